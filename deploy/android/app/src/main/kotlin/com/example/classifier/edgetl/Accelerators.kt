package com.example.classifier.edgetl

import java.io.File
import java.io.IOException
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

/** An accelerator, or the CPU, by its name. Opening the model on it throws where that is not possible. */
internal class Candidate(val name: String, val open: () -> Model) {
    companion object {
        /** The CPU with each number of threads. */
        fun cpu(threads: List<Int>, open: (Int) -> Model) =
            threads.map { count -> Candidate(if (count == 1) "CPU" else "CPU, $count threads") { open(count) } }
    }
}

/**
 * Keeps the fastest accelerator that gives the golden predictions. The first candidate is the CPU: it runs where none passes, and the
 * self-test then says so. `memory` holds what was chosen, for the same model, system and app (`key`).
 */
internal class Accelerators(
    private val golden: () -> Golden,
    private val candidates: List<Candidate>,
    private val memory: File,
    private val key: String,
) {
    /** The accelerator that was kept. */
    var name = ""
        private set

    /** What became of each. */
    var rows = emptyList<String>()
        private set

    /** Whether they were timed by this object. */
    var fresh = false
        private set

    /** The model on the accelerator that was kept: of an earlier start, unless all are to be timed `again`. */
    fun open(again: Boolean = false): Model {
        val before = remembered()
        if (!again && before.chosen.isNotEmpty()) {
            rows = before.rows
            opened(before.chosen)?.let { return it }
        }
        val unfinished = if (again) emptyList() else before.unfinished
        val trials = candidates.map { tried(it, unfinished) }
        fresh = true
        rows = trials.map(Trial::text)
        val model = Trial.ranked(trials).firstNotNullOfOrNull { opened(it.name) }
            ?: candidates.first().run { open().also { this@Accelerators.name = name } }
        remember(Kept(name, rows, unfinished))
        return model
    }

    private fun opened(wanted: String): Model? {
        val candidate = candidates.find { it.name == wanted } ?: return null
        return attempt(candidate.open).getOrNull()?.also { name = wanted }
    }

    private fun tried(candidate: Candidate, unfinished: List<String>): Trial {
        val name = candidate.name
        if (name in unfinished) return Trial(name, reason = "the app ended while it was tried")
        remember(Kept("", emptyList(), unfinished + name)) // a driver may take the app down with it
        val trial = attempt {
            candidate.open().use { model ->
                val deviation = golden().deviation(golden().predictions(model))
                Trial(name, if (deviation.differing == 0) golden().latencyMs(model) else 0.0, deviation)
            }
        }
        remember(Kept("", emptyList(), unfinished))
        return trial.getOrElse { Trial(name, reason = reason(it)) }
    }

    /** Drivers and runtimes refuse with exceptions of many kinds, and with missing libraries. */
    private fun <T> attempt(work: () -> T): Result<T> = try {
        Result.success(work())
    } catch (error: Exception) {
        Result.failure(error)
    } catch (error: LinkageError) {
        Result.failure(error)
    }

    private fun reason(error: Throwable) = error.message?.lineSequence()?.first()?.take(MOST_LETTERS) ?: error.javaClass.simpleName

    /** `unfinished`: the candidates in whose trial the app ended. */
    private class Kept(val chosen: String, val rows: List<String>, val unfinished: List<String>)

    private fun remembered(): Kept = try {
        val json = JSONObject(memory.readText())
        if (json.getString("key") != key) throw JSONException("of another model or system")
        Kept(json.getString("chosen"), json.getJSONArray("rows").strings(), json.getJSONArray("unfinished").strings())
    } catch (_: IOException) {
        Kept("", emptyList(), emptyList())
    } catch (_: JSONException) {
        Kept("", emptyList(), emptyList())
    }

    private fun remember(kept: Kept) {
        val json = JSONObject().put("key", key).put("chosen", kept.chosen)
        json.put("rows", JSONArray(kept.rows)).put("unfinished", JSONArray(kept.unfinished))
        try {
            memory.writeText(json.toString())
        } catch (_: IOException) {
            // Without room all are tried again at the next start.
        }
    }

    private companion object {
        const val MOST_LETTERS = 120 // of a runtime's message
    }
}
