"""The sample gallery: photographs that come with installed packages, so that everything can be tried without
one's own."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from ..errors import BadDataset
from ..files import publishing
from ..home import data_folder

FOLDER = data_folder("samples")

# package -> folder of its pictures -> (file, the name it gets here). Licences: see the packages' own READMEs
# beside the pictures.
PICTURES: dict[tuple[str, str], dict[str, str]] = {
    ("skimage", "data"): {
        "astronaut.png": "astronaut.png",
        "camera.png": "cameraman.png",
        "chelsea.png": "cat.png",
        "coffee.png": "coffee.png",
        "coins.png": "coins.png",
        "motorcycle_left.png": "motorcycle-left.png",
        "motorcycle_right.png": "motorcycle-right.png",
        "rocket.jpg": "rocket.jpg",
        "moon.png": "moon.png",
    },
    ("sklearn", "datasets/images"): {"china.jpg": "temple.jpg", "flower.jpg": "flower.jpg"},
    ("matplotlib", "mpl-data/sample_data"): {"grace_hopper.jpg": "officer.jpg"},
}


def sample_gallery(folder: Path = FOLDER) -> Path:
    """A folder with the sample photographs, copied there on first use. BadDataset where a package holds none
    of them."""
    for (package, place), names in PICTURES.items():
        spec = find_spec(package)
        root = Path(spec.origin).parent / place if spec and spec.origin else None
        for name, copy in names.items():
            if (folder / copy).exists():
                continue
            if root is None or not (root / name).is_file():
                raise BadDataset(
                    f"The sample photograph {name} is not in the package {package}. Install the requirements "
                    "again."
                )
            with open(root / name, "rb") as source, publishing(folder / copy) as target:
                shutil.copyfileobj(source, target)
    return folder
