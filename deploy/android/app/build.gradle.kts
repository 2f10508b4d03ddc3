plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "com.example.classifier"
    compileSdk {
        version = release(37)
    }

    defaultConfig {
        applicationId = "com.example.classifier"
        minSdk = 26 // adaptive icons; both runtimes need 24
        targetSdk = 37
        versionCode = 1
        versionName = "1.0"
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }

    androidResources {
        noCompress += listOf("tflite", "onnx") // models are mapped from the APK, not copied
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

dependencies {
    implementation(libs.litert)
    implementation(libs.exifinterface)
    implementation(libs.activity)
    implementation(libs.appcompat)
    implementation(libs.camera.camera2)
    implementation(libs.camera.lifecycle)
    implementation(libs.camera.view)
    implementation(libs.core)
    implementation(libs.material)

    androidTestImplementation(libs.junit)
    androidTestImplementation(libs.test.junit)
    androidTestImplementation(libs.test.runner)
}
