package androidx.core.graphics

class Insets private constructor(@JvmField val left: Int, @JvmField val top: Int, @JvmField val right: Int, @JvmField val bottom: Int)
