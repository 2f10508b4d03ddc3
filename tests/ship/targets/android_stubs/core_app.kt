package androidx.core.app

import android.view.View

class ActivityCompat private constructor() {
    companion object {
        @JvmStatic fun <T : View> requireViewById(activity: android.app.Activity, id: Int): T = TODO()
    }
}
