package com.google.android.material.progressindicator

class LinearProgressIndicator(context: android.content.Context) : android.widget.ProgressBar(context)
