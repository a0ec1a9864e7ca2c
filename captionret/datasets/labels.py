"""What an image is labelled with: the collection's own categories, or the nouns of its captions.

Nouns are known by a closed list of what photographs show and captions name, so that labels never depend on a
tagger to download. A plural is the same label as its singular.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from ..errors import BadDataset
from ..records import Item
from ..remedies import remedy
from ..text import words

NOUNS = frozenset(
    """
    adult air airplane airport animal apple area arm art audience baby backpack backyard bag ball balloon
    banana band bandana bandanna bank bar barrier baseball basket basketball bat bathroom beach bear beard bed
    bedroom beer bench bicycle bicyclist bike biker bikini bird birthday blanket block board boat body book
    boot bottle bowl box boy branch brick bridge broccoli bubble building bus bush cabinet cake camera canoe
    cap car card cardboard carnival carpet carriage carrot cart cat cattle ceiling cellphone cement chair
    cheerleader cheese child cigarette circle city clay cliff climber clock closeup cloth clothes clothing
    cloud club coach coast coat coffee collar competition computer concert concrete corner costume couch
    counter couple course court cow cowboy creek crosswalk crowd cup curb cycle cyclist dancer deck desert
    desk dinner dirt dish dock dog donut door doorway dress drum duck ear edge elephant equipment event eye
    face family farm father fence field fire fish flag floor flower food foot football forest fork fountain
    frame friend frisbee fruit fur furniture game garage garden gate gear giraffe girl glass glasses glove
    goal goalie goat goggles graffiti grass gravel greyhound ground group guitar guy gym hair hall hammock
    hand handrail harness hat head headband helicopter helmet highway hiker hill hillside hockey hole hoodie
    hoop horse hose hotel house hurdle husky ice island jacket jean jeans jersey kayak keyboard kid kitchen
    kite kitten knee knife labrador ladder lady lake lamp lamppost landscape laptop lawn leaf leash leather
    ledge leg letter life lip log lunch machine magazine makeup man market mask mat meal meat metal meter
    microphone microwave midair mirror mitt model monkey mother motocross motorbike motorcycle motorcyclist
    mountain mountainside mouse mouth mud muzzle neck necklace net newspaper night nose object obstacle ocean
    office onlooker outfit oven owner pacifier paddle painting pants paper parade park party passenger path
    pavement pedestrian person phone photo photograph photographer piano picture pier pile pillow pipe pizza
    plane plant plate platform player playground pole police policeman pond poodle pool pot puddle puppy purse
    racer racetrack racket raft rail railing railroad rain ramp referee refrigerator remote restaurant
    retriever rider ring river road rock rocket roller roof room rope rug rugby runner runway sailboat salad
    sand sandals sandwich scarf scene school scissors scooter screen sculpture sea seat shadow sheep shelf
    shepherd ship shirt shoe shop shopper shore shoreline shorts shoulder shrub sidewalk sign silhouette
    singer sink skateboard skateboarder skater ski skier skirt sky skyline skyscraper sled slope smoke snow
    snowball snowboard snowboarder snowsuit soap soccer sock sofa soldier spectator spoon sport spray
    sprinkler square squirrel stadium stage staircase stairs station statue stick stone store stove stream
    street stroller stunt subway suit suitcase sun sunglasses sunset surface surfboard surfer sweater
    sweatshirt swimmer swimsuit swimwear t-shirt table tail tank teacher team teenager telephone television
    tennis tent terrain terrier theater ticket tie tile tire toddler toilet tongue tooth toothbrush tourist
    towel tower town toy track traffic trail train trampoline trash tree trick truck trunks tube tunnel
    umbrella uniform van vase vegetable vehicle vendor vest video village wagon waist waiter wall water
    waterfall wave wedding wetsuit wheel wheelchair window wine wing winter wire woman wood woods worker
    wrestler yard zebra
    """.split()
)
_IRREGULAR = {
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "teeth": "tooth",
    "leaves": "leaf",
    "knives": "knife",
    "shelves": "shelf",
    "policemen": "policeman",
    "mice": "mouse",
}
# Categories that the Pascal collections write as one word
_RUN_TOGETHER = {"diningtable": "dining table", "pottedplant": "potted plant", "tvmonitor": "tv monitor"}


def singular(word: str) -> str | None:
    """The noun of the list that `word` is or is the plural of; None where there is none."""
    stems = [word, _IRREGULAR.get(word, "")]
    stems += [
        word[: -len(end)] + instead
        for end, instead in (("s", ""), ("es", ""), ("ies", "y"))
        if word.endswith(end)
    ]
    return next((stem for stem in stems if stem in NOUNS), None)


def nouns(caption: str) -> set[str]:
    """The nouns of a caption: "two dogs on a beach" -> {"dog", "beach"}."""
    return {noun for word in words(caption) if (noun := singular(word))}


def common_nouns(items: Iterable[Item], count: int) -> list[str]:
    """The `count` nouns that stand in the captions of the most images, the commonest first; BadDataset where
    there are fewer."""
    images = Counter(noun for item in items for noun in noun_counts(item))
    if len(images) < count:
        raise BadDataset(
            f"The captions hold {len(images)} different nouns, fewer than {count}. Lower label_count, or "
            "give more captions."
        )
    return sorted(images, key=lambda noun: (-images[noun], noun))[:count]


def noun_counts(item: Item) -> Counter[str]:
    """How many of an image's captions hold each noun."""
    return Counter(noun for caption in item.captions for noun in nouns(caption))


def category_names(items: Sequence[Item]) -> list[str]:
    """Every category of a collection, in the order of their names; BadDataset for one without categories."""
    names = sorted({label for item in items for label in item.labels})
    if not names:
        raise BadDataset("The collection's images have no labels of their own.", remedy("other targets"))
    return names


def spelled(label: str) -> str:
    """A category's name in words: "potted_plant" and Pascal's "pottedplant" as "potted plant"."""
    return _RUN_TOGETHER.get(label.lower(), label.lower().replace("_", " "))
