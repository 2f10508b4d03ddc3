package androidx.appcompat.app

import android.app.Dialog
import android.content.Context
import android.content.DialogInterface

open class AppCompatActivity : androidx.activity.ComponentActivity()

class AlertDialog private constructor(context: Context) : Dialog(context) {
    open class Builder(context: Context) {
        open fun setTitle(titleId: Int): Builder = this

        open fun setMessage(message: CharSequence?): Builder = this

        open fun setPositiveButton(textId: Int, listener: DialogInterface.OnClickListener?): Builder = this

        fun show(): AlertDialog = TODO()
    }
}
