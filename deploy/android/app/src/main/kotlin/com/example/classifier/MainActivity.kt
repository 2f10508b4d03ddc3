package com.example.classifier

import android.Manifest
import android.content.Intent
import android.content.pm.PackageManager
import android.content.res.Configuration
import android.graphics.Bitmap
import android.net.Uri
import android.os.Bundle
import android.provider.Settings
import android.text.BidiFormatter
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.CompoundButton
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView
import androidx.activity.enableEdgeToEdge
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts
import androidx.appcompat.app.AlertDialog
import androidx.appcompat.app.AppCompatActivity
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.view.CameraController
import androidx.camera.view.LifecycleCameraController
import androidx.camera.view.PreviewView
import androidx.core.app.ActivityCompat
import androidx.core.view.ViewCompat
import androidx.core.view.WindowInsetsCompat
import com.example.classifier.edgetl.ClassProbability
import com.example.classifier.edgetl.Classification
import com.example.classifier.edgetl.EdgetlClassifier
import com.example.classifier.edgetl.SelfTestException
import com.example.classifier.edgetl.Smoothing
import com.example.classifier.edgetl.readImage
import com.google.android.material.color.DynamicColors
import com.google.android.material.progressindicator.LinearProgressIndicator
import java.io.IOException
import java.text.NumberFormat
import java.util.concurrent.Executors

/** Classifies what the camera sees, or a chosen image. */
class MainActivity : AppCompatActivity() {
    private val worker = Executors.newSingleThreadExecutor() // all that is slow, one after the other
    private val loading = lazy { EdgetlClassifier(applicationContext) }
    private val classifier by loading // on the worker alone
    private val percent = NumberFormat.getPercentInstance().apply { maximumFractionDigits = 1 }
    private lateinit var camera: LifecycleCameraController
    private val rows = mutableListOf<View>()
    private var chosen: Uri? = null // null: the camera

    @Volatile private var smoothing: Smoothing? = null // null: each frame by itself

    private val picker = registerForActivityResult(ActivityResultContracts.PickVisualMedia()) { uri -> if (uri != null) showImage(uri) }
    private val permission = registerForActivityResult(ActivityResultContracts.RequestPermission()) { granted ->
        if (granted) startCamera() else denied()
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        enableEdgeToEdge()
        super.onCreate(savedInstanceState)
        DynamicColors.applyToActivityIfAvailable(this)
        setContentView(R.layout.activity_main)
        layOut()
        camera = LifecycleCameraController(this)
        camera.setEnabledUseCases(CameraController.IMAGE_ANALYSIS)
        camera.setImageAnalysisBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
        camera.setImageAnalysisOutputImageFormat(ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888)
        view<View>(R.id.choose_image).setOnClickListener {
            picker.launch(PickVisualMediaRequest.Builder().setMediaType(ActivityResultContracts.PickVisualMedia.ImageOnly).build())
        }
        view<View>(R.id.use_camera).setOnClickListener { useCamera() }
        view<View>(R.id.self_test).setOnClickListener { selfTest() }
        view<View>(R.id.accelerators).setOnClickListener { timeAccelerators() }
        view<View>(R.id.licences).setOnClickListener { showLicences() }
        view<View>(R.id.open_settings).setOnClickListener { openSettings() }
        view<CompoundButton>(R.id.smooth).apply {
            text = words(R.string.smooth, "frames" to Smoothing.FRAMES)
            setOnCheckedChangeListener { _, on -> smoothing = if (on) Smoothing() else null }
        }
        worker.execute {
            val (ratio, stretches) = classifier.aspectRatio to classifier.stretches
            val several = classifier.several
            val timed = if (classifier.timed) accelerators() else ""
            runOnUiThread {
                val others = view<TextView>(R.id.message).text.toString().takeUnless { it == getString(R.string.loading) }.orEmpty()
                say(listOf(others, timed).filter(String::isNotEmpty).joinToString("\n"))
                frame(ratio, stretches)
                if (several) {
                    view<TextView>(R.id.without).setText(R.string.none_of_the_classes)
                    view<TextView>(R.id.guesses).setText(R.string.nearest)
                }
            }
        }
        val before = savedInstanceState?.getString(CHOSEN)
        if (before == null) useCamera() else showImage(Uri.parse(before))
        say(getString(R.string.loading))
    }

    /** Back from the system's settings, perhaps. */
    override fun onRestart() {
        super.onRestart()
        if (view<View>(R.id.open_settings).visibility == View.VISIBLE && mayUseCamera()) startCamera()
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putString(CHOSEN, chosen?.toString())
    }

    override fun onDestroy() {
        super.onDestroy()
        camera.clearImageAnalysisAnalyzer()
        worker.execute { if (loading.isInitialized()) classifier.close() }
        worker.shutdown()
    }

    /** Shows of images what the model takes: the part in its proportions, or all where that is stretched. */
    private fun frame(ratio: Float, stretches: Boolean) {
        if (stretches) {
            view<ImageView>(R.id.image).scaleType = ImageView.ScaleType.FIT_CENTER
            view<PreviewView>(R.id.preview).scaleType = PreviewView.ScaleType.FIT_CENTER
        } else {
            view<InputLayout>(R.id.frame).aspectRatio = ratio
        }
    }

    /** The image beside the predictions where the window is wide; nothing under the system's bars. */
    private fun layOut() {
        val root = view<LinearLayout>(R.id.root)
        val wide = resources.configuration.orientation == Configuration.ORIENTATION_LANDSCAPE
        root.orientation = if (wide) LinearLayout.HORIZONTAL else LinearLayout.VERTICAL
        ViewCompat.setOnApplyWindowInsetsListener(root) { view, insets ->
            val bars = insets.getInsets(WindowInsetsCompat.Type.systemBars() or WindowInsetsCompat.Type.displayCutout())
            view.setPadding(bars.left, bars.top, bars.right, bars.bottom)
            WindowInsetsCompat.CONSUMED
        }
        ViewCompat.setAccessibilityHeading(view(R.id.title), true)
        need(TOP)
        rows.forEach { it.visibility = View.INVISIBLE }
    }

    /** Makes as many rows for classes as that: several may be there. */
    private fun need(count: Int) {
        val predictions = view<ViewGroup>(R.id.predictions)
        while (rows.size < count) {
            rows += LayoutInflater.from(this).inflate(R.layout.row_prediction, predictions, false).also(predictions::addView)
        }
    }

    private fun useCamera() {
        chosen = null
        view<View>(R.id.image).visibility = View.GONE
        view<View>(R.id.preview).visibility = View.VISIBLE
        view<View>(R.id.smooth).visibility = View.VISIBLE
        if (mayUseCamera()) startCamera() else permission.launch(Manifest.permission.CAMERA)
    }

    private fun mayUseCamera() = checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    /** After a refusal for good the system asks no more, and only its settings help. */
    private fun denied() {
        if (chosen != null) return
        say(getString(R.string.camera_denied))
        offerSettings(!shouldShowRequestPermissionRationale(Manifest.permission.CAMERA))
    }

    private fun offerSettings(offered: Boolean) {
        view<View>(R.id.open_settings).visibility = if (offered) View.VISIBLE else View.GONE
    }

    private fun openSettings() =
        startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)))

    private fun startCamera() {
        if (chosen != null) return // an image was chosen while the permission was asked for
        say("")
        offerSettings(false)
        if (!packageManager.hasSystemFeature(PackageManager.FEATURE_CAMERA)) { // none at the back
            if (!packageManager.hasSystemFeature(PackageManager.FEATURE_CAMERA_FRONT)) return say(getString(R.string.camera_missing))
            camera.cameraSelector = CameraSelector.DEFAULT_FRONT_CAMERA
        }
        smoothing = smoothing?.let { Smoothing() } // of a new stream
        camera.setImageAnalysisAnalyzer(worker) { image ->
            val found = image.use { classifier.classify(it.toBitmap(), it.imageInfo.rotationDegrees, TOP, smoothing) }
            runOnUiThread { if (chosen == null) show(found) }
        }
        camera.bindToLifecycle(this)
        view<PreviewView>(R.id.preview).controller = camera
    }

    private fun showImage(uri: Uri) {
        chosen = uri
        camera.unbind()
        say("")
        offerSettings(false)
        view<View>(R.id.smooth).visibility = View.GONE
        worker.execute {
            val image = try {
                readImage(contentResolver, uri)
            } catch (_: IOException) {
                null
            } catch (_: SecurityException) { // the right to read it ended with an earlier process
                null
            }
            val found = image?.let { classifier.classify(it, top = TOP) }
            runOnUiThread { if (chosen == uri) showStill(image, found) }
        }
    }

    private fun showStill(image: Bitmap?, found: Classification?) {
        view<View>(R.id.preview).visibility = View.INVISIBLE
        view<ImageView>(R.id.image).apply {
            visibility = View.VISIBLE
            setImageBitmap(image)
        }
        if (found == null) say(getString(R.string.unreadable))
        show(found ?: Classification(emptyList(), emptyList(), 0.0, ""))
    }

    private fun show(found: Classification) {
        // A chosen image's predictions are read aloud; those of the camera change too fast and are read when touched.
        view<View>(R.id.predictions).accessibilityLiveRegion =
            if (chosen == null) View.ACCESSIBILITY_LIVE_REGION_NONE else View.ACCESSIBILITY_LIVE_REGION_POLITE
        val unsure = found.best.isNotEmpty() && found.present.isEmpty()
        view<View>(R.id.unsure).visibility = if (unsure) View.VISIBLE else View.GONE
        need(found.best.size)
        rows.forEachIndexed { place, row -> showPrediction(row, found.best.getOrNull(place), if (place < TOP) View.INVISIBLE else View.GONE) }
        val latency = words(R.string.latency, "ms" to "%.1f".format(found.latencyMs), "accelerator" to found.accelerator)
        view<TextView>(R.id.latency).text = if (found.best.isEmpty()) "" else latency
    }

    private fun showPrediction(row: View, prediction: ClassProbability?, without: Int) {
        row.visibility = if (prediction == null) without else View.VISIBLE
        if (prediction == null) return
        val share = percent.format(prediction.probability)
        ViewCompat.requireViewById<TextView>(row, R.id.class_name).text = prediction.className
        ViewCompat.requireViewById<TextView>(row, R.id.probability).text = share
        ViewCompat.requireViewById<LinearProgressIndicator>(row, R.id.bar).progress = (prediction.probability * BAR_MAX).toInt()
        val name = BidiFormatter.getInstance().unicodeWrap(prediction.className)
        row.contentDescription = words(R.string.prediction, "share" to share, "class" to name)
    }

    private fun selfTest() {
        worker.execute {
            val verdict = try {
                verdict(classifier.selfTest())
            } catch (error: SelfTestException) {
                words(R.string.failed, "reason" to error.message.orEmpty())
            }
            runOnUiThread { say(verdict) }
        }
    }

    private fun timeAccelerators() {
        say(getString(R.string.timing))
        worker.execute {
            classifier.timeAccelerators()
            val found = accelerators()
            runOnUiThread { say(found) }
        }
    }

    private fun showLicences() {
        val licences = assets.open("licences.txt").use { it.readBytes().decodeToString() }
        AlertDialog.Builder(this).setTitle(R.string.licences).setMessage(licences).setPositiveButton(R.string.done, null).show()
    }

    /** On the worker alone. */
    private fun accelerators() = classifier.accelerators.joinToString("\n")

    private fun <T : View> view(id: Int): T = ActivityCompat.requireViewById(this, id)

    private fun say(text: String) {
        view<TextView>(R.id.message).apply {
            this.text = text
            visibility = if (text.isEmpty()) View.GONE else View.VISIBLE
        }
    }

    private companion object {
        const val TOP = 3
        const val BAR_MAX = 1000 // as in row_prediction.xml
        const val CHOSEN = "chosen"
    }
}
