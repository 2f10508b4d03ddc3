plugins {
    alias(libs.plugins.android.application) apply false // Kotlin is part of it
}
