package com.example.classifier

import android.content.Context
import com.example.classifier.edgetl.SelfTestReport
import kotlin.math.ceil

private const val ROUNDED_STEPS = 0.01 // golden predictions have six decimals

/** A string of the table, with what stands in its braces filled in. */
internal fun Context.words(id: Int, vararg values: Pair<String, Any>): String =
    values.fold(getString(id)) { said, (name, value) -> said.replace("{$name}", value.toString()) }

/** How far the predictions are from those of the validation. */
internal fun Context.verdict(report: SelfTestReport): String {
    val steps = ceil(report.maxSteps - ROUNDED_STEPS).toInt().coerceAtLeast(0)
    val images = "images" to report.images
    val verdict = if (steps > 0) words(R.string.passed_within, images, "steps" to steps) else words(R.string.passed, images)
    return if (report.otherDecisions == 0) verdict else words(R.string.decided_otherwise, "verdict" to verdict, "count" to report.otherDecisions)
}
