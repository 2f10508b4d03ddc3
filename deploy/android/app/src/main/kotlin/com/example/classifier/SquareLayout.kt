package com.example.classifier

import android.content.Context
import android.util.AttributeSet
import android.widget.FrameLayout

/** As wide as high: what it shows of an image is the central square that is classified. */
class SquareLayout(context: Context, attributes: AttributeSet) : FrameLayout(context, attributes) {
    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) {
        val available = listOf(widthMeasureSpec, heightMeasureSpec).filter { MeasureSpec.getMode(it) != MeasureSpec.UNSPECIFIED }
        val side = MeasureSpec.makeMeasureSpec(available.minOfOrNull(MeasureSpec::getSize) ?: 0, MeasureSpec.EXACTLY)
        super.onMeasure(side, side)
    }
}
