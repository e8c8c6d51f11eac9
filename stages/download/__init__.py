"""Download: turn sources as people have them into rows that say where every image is stored."""
