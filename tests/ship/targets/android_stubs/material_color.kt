package com.google.android.material.color

class DynamicColors private constructor() {
    companion object {
        @JvmStatic fun applyToActivityIfAvailable(activity: android.app.Activity) = Unit
    }
}
