"""Codes: every fault that lint knows: its severity, its meaning and its remedy.

Error: images, captions or counts are lost or mixed up, by blindpairs or by WebDataset's own reader, or
the files contradict one another. Warning: nothing is lost, but you may want to know before you continue.
"""

from __future__ import annotations

from pipeline.findings import Code, Severity
from stages import images

UNDECODABLE = "undecodable"
E, W = Severity.ERROR, Severity.WARNING
CODES = {
    code.name: code
    for code in (
        Code("unreadable", E, "the file or folder cannot be read", "fix its permissions, or copy it again"),
        Code("not_a_tar", E, "named .tar, but no tar archive", "fetch it again, or move it away"),
        Code("compressed", E, "compressed, so that no byte range of it is an image", "unpack it to a plain .tar"),
        Code("truncated", E, "the tar ends too early, what follows is lost", "fetch or pack it again"),
        Code("data_after_end", E, "more data after the tar's end mark, which no reader sees (`cat` of two tars?)",
             "pack it again, or join tars with tar --concatenate"),
        Code("no_images", E, "holds no image that is read", "move it out of the source"),
        Code("unsafe_name", E, "an absolute name or one with `..` would be unpacked outside of its folder",
             "do not unpack it; pack it again with relative names"),
        Code("no_own_bytes", E, "a link, a sparse file or a device, whose bytes are not in the tar",
             "pack it with --dereference --hard-dereference, without --sparse"),
        Code("long_name", E, "a name of more than 1 MiB, which is not read", "pack it again under a shorter name"),
        Code("duplicate_key", E, "a name occurs twice in a tar; one reader keeps the first, another stops",
             "rename or remove the second"),
        Code("scattered_key", E, "members of one key lie apart, and WebDataset makes two halves of them",
             "pack it sorted, tar --sort=name"),
        Code("key_in_two_tars", E, "the same image name in two tars, so that their image ids would be one",
             "set keys_repeat: true for the source, or remove one of them"),
        Code("dots_in_name", W, "WebDataset ends a key at its first dot, and takes the rest for the field's name",
             "rename it, unless the fields are meant"),
        Code("missing_caption", W, "some images have captions or fields beside them, these have none",
             "add them, or expect null there"),
        Code("lone_sidecar", W, "a caption or fields without an image", "look where the images went"),
        Code("bad_json", E, "a .json that is not a JSON object, so that its fields are lost", "write it again"),
        Code("not_utf8", E, "a caption that is not UTF-8, so that letters of it are lost", "convert it with iconv"),
        Code("long_sidecar", E, "a caption or fields of more than 1 MiB, which are not read", "shorten it"),
        Code("empty_member", W, "a caption or fields of no bytes", "expect null there"),
        Code("unread_image", W, "an image by its name or its first bytes, but not named as one that is read "
             f"({' '.join(images.NAMES)})", "convert or rename it"),
        Code("wrong_extension", W, "the name says another format than the bytes", "rename it, or leave it so"),
        Code(images.EMPTY, E, "an image of no bytes", "fetch it again, or remove it"),
        Code("not_an_image", E, "named as an image, but no image that is read", "fetch it again, or remove it"),
        Code(UNDECODABLE, E, "an image that does not decode whole", "fetch it again, or remove it"),
        Code(images.TOO_LARGE, W, "an image with more pixels or bytes than are read", "expect a rejected row"),
        Code(images.TOO_NARROW, W, "an image with one side too long for the other", "expect a rejected row"),
        Code("turned", W, "an image that viewers turn by its EXIF, and that is embedded as it is stored",
             "turn the pixels and save it anew, if the encoders are to see what people see"),
        Code("same_bytes", W, "an image with the same bytes as another", "no need to act: copies are searched once"),
        Code("unfinished", E, "lacks what img2dataset writes last, as others here have it: it was stopped",
             "run img2dataset again, it takes up only such shards"),
        Code("all_failed", E, "not one URL of the shard was fetched, and img2dataset calls it done",
             "remove its _stats.json and run img2dataset again"),
        Code("bad_table", E, "the Parquet cannot be read, or lacks columns", "fetch or write it again"),
        Code("urls_alone", W, "a table of URLs, not of images", "lint what was fetched from it"),
        Code("bad_stats", E, "the _stats.json cannot be read", "remove it and run img2dataset again"),
        Code("stats_disagree", E, "the counts in _stats.json are not those of the Parquet or the tar",
             "remove the _stats.json and run img2dataset again for this shard"),
        Code("table_disagrees", E, "the Parquet and the tar do not name the same images",
             "remove the shard's files and run img2dataset again"),
        Code("foreign_json", E, "a .json that is no shard's stats crashes img2dataset's next run", "move it away"),
        Code("aside", W, "image files beside the shards, which are not looked at", "lint them by their own path"),
    )
}  # fmt: skip

# status of a refusal in stages.images -> code: the same word, where it does not name a fault of a whole file here
OF_REFUSAL = {
    **{status: status for status in (images.EMPTY, images.NOT_AN_IMAGE, images.TOO_LARGE, images.TOO_NARROW)},
    **dict.fromkeys((images.TRUNCATED, images.UNREADABLE), UNDECODABLE),
}
