package androidx.core.view

import android.view.View
import androidx.core.graphics.Insets

fun interface OnApplyWindowInsetsListener {
    fun onApplyWindowInsets(v: View, insets: WindowInsetsCompat): WindowInsetsCompat
}

class ViewCompat private constructor() {
    companion object {
        @JvmStatic fun setOnApplyWindowInsetsListener(view: View, listener: OnApplyWindowInsetsListener?) = Unit

        @JvmStatic fun <T : View> requireViewById(view: View, id: Int): T = TODO()

        @JvmStatic fun setAccessibilityHeading(view: View, isHeading: Boolean) = Unit
    }
}

class WindowInsetsCompat private constructor() {
    fun getInsets(typeMask: Int): Insets = TODO()

    class Type private constructor() {
        companion object {
            @JvmStatic fun systemBars(): Int = TODO()

            @JvmStatic fun displayCutout(): Int = TODO()
        }
    }

    companion object {
        @JvmField val CONSUMED = WindowInsetsCompat()
    }
}
