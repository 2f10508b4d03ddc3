package com.example.classifier

import android.content.Context
import android.util.AttributeSet
import android.widget.FrameLayout

/** In the proportions of the model's input: what it shows of an image is the part that is classified. */
class InputLayout(context: Context, attributes: AttributeSet) : FrameLayout(context, attributes) {
    /** Width over height. */
    var aspectRatio = 1f
        set(value) {
            field = value
            requestLayout()
        }

    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) {
        val width = available(widthMeasureSpec)
        val height = available(heightMeasureSpec)
        val wide = listOfNotNull(width, height?.let { (it * aspectRatio).toInt() }).minOrNull() ?: 0
        super.onMeasure(exactly(wide), exactly((wide / aspectRatio).toInt()))
    }

    private fun available(spec: Int) = if (MeasureSpec.getMode(spec) == MeasureSpec.UNSPECIFIED) null else MeasureSpec.getSize(spec)

    private fun exactly(size: Int) = MeasureSpec.makeMeasureSpec(size, MeasureSpec.EXACTLY)
}
