# Word errors: how far a transcript is from what was said.
import re
import unicodedata


def words_of(text):
    """The words of `text` as they are compared: lower case, without punctuation."""
    folded = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", folded)


def word_error_rate(said, heard):
    """Words to replace, insert or leave out to make `heard` of `said`, for each word that was said."""
    said, heard = words_of(said), words_of(heard)
    row = list(range(len(heard) + 1))
    for at, word in enumerate(said, 1):
        before, row[0] = row[0], at
        for other_at, other in enumerate(heard, 1):
            before, row[other_at] = row[other_at], min(
                row[other_at] + 1, row[other_at - 1] + 1, before + (word != other))
    return row[-1] / max(1, len(said))
