"""Document -> the same document with what is no lecture, or stands elsewhere already, marked and kept out."""
