"""The words of a library, as people would use them."""

from captionret.app.curating.words import LibraryWord, as_people_say


def test_words_that_only_name_classes_come_last_and_one_of_several_for_the_same() -> None:
    counts = {"mammalian": 9, "mammal": 9, "dog": 8, "canid": 7, "canine": 7, "bella": 2, "diapsid": 4}
    shown = as_people_say(LibraryWord(word, count) for word, count in counts.items())
    assert [one.word for one in shown] == ["dog", "bella", "mammal", "canine", "diapsid"]


def test_a_class_that_people_name_goes_by_their_word() -> None:
    shown = as_people_say([LibraryWord("saurian", 4), LibraryWord("lizard", 4)])
    assert [one.word for one in shown] == ["lizard"]
