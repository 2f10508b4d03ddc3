package com.example.classifier.edgetl

import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith

/** Replays the golden images: this phone runs the model that was validated, with the same inputs and class names. */
@RunWith(AndroidJUnit4::class)
class GoldenTest {
    @Test
    fun thisPhoneGivesTheGoldenPredictions() {
        EdgetlClassifier(InstrumentationRegistry.getInstrumentation().targetContext).use {
            assertTrue(it.selfTest().images > 0)
        }
    }
}
