package com.example.classifier

import android.content.Context
import android.util.AttributeSet
import android.widget.FrameLayout
import android.widget.LinearLayout

/**
 * In the proportions of the model's input: what it shows of an image is the part that is classified. It leaves room for the predictions
 * that follow it, in windows of any shape.
 */
class InputLayout(context: Context, attributes: AttributeSet) : FrameLayout(context, attributes) {
    /** Width over height. */
    var aspectRatio = 1f
        set(value) {
            field = value
            requestLayout()
        }

    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) {
        val beside = (parent as? LinearLayout)?.orientation == LinearLayout.HORIZONTAL
        val wide = framed(available(widthMeasureSpec), available(heightMeasureSpec), aspectRatio, beside)
        super.onMeasure(exactly(wide), exactly((wide / aspectRatio).toInt()))
    }

    private fun available(spec: Int) = if (MeasureSpec.getMode(spec) == MeasureSpec.UNSPECIFIED) null else MeasureSpec.getSize(spec)

    private fun exactly(size: Int) = MeasureSpec.makeMeasureSpec(size, MeasureSpec.EXACTLY)
}

private const val MOST = 0.55f // of the window, in the direction in which the predictions follow

/** The width of a frame of these proportions in what is available, null where nothing limits it; `beside`: the predictions are. */
internal fun framed(width: Int?, height: Int?, aspectRatio: Float, beside: Boolean): Int {
    val widest = width?.let { if (beside) it * MOST else it.toFloat() }
    val highest = height?.let { if (beside) it.toFloat() else it * MOST }
    return (listOfNotNull(widest, highest?.let { it * aspectRatio }).minOrNull() ?: 0f).toInt()
}
