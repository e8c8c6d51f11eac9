"""Download: from sources as people have them to rows that say where every image lies."""
