package androidx.test.platform.app

object InstrumentationRegistry {
    @JvmStatic fun getInstrumentation(): android.app.Instrumentation = TODO()
}
