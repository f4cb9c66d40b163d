"""Files as corpora have them: archives of any kind to the files in them, audio files to samples."""
