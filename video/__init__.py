"""Files in and out, one chunk at a time; timing and audio. The only place that knows PyAV and Pillow."""
