#!/usr/bin/env bash
# Fetch the real data sets, word vectors and backbone weights. Needs bash, curl and python3.
#
#   ./download.sh --list                     what there is, how large, under which licence, and what is here already
#   ./download.sh flickr8k                   one collection
#   ./download.sh resnet101 resnet152        single files of a collection
#   ./download.sh all --dir /big/disk/data   everything, elsewhere
#
# A broken download continues where it stopped (NAME.part), as often as it takes while it gets on; a file appears under its own name only after its checksum was right,
# an unpacked folder only when it is whole. Of two runs at once one fetches a file and the other waits for it.
# Exit: 0 all there, 2 wrong usage, 3 something could not be fetched or written.
#
# CAPTIONRET_MIRROR=http://host:port      takes every file from there instead, under the same path; checksums stay as they are
# CAPTIONRET_DOWNLOAD_TABLE=FILE          another table in place of the one below (for the tests)
# CAPTIONRET_DOWNLOAD_PAUSE=0             seconds between two attempts (for the tests)
set -Eeuo pipefail

usage="Usage: ./download.sh [coco2014|flickr8k|flickr30k|pascal|vse|glove|backbones|all|NAME ...] [--dir data] [--list]"
tries=5          # that bring nothing, one after the other
progress=100000  # bytes; an attempt that brought so many was not in vain

# collection | name | bytes | bytes unpacked | checksum | address | folder | what to take | what it is; licence
#
# what to take: the archive's top-level entries that go into the folder; "." when the archive's content is the folder; "-" for a
# file that is no archive. Checksums as published: by TensorFlow Datasets (COCO, splits), flashlight (Flickr8k, MD5 only) and
# GluonNLP (GloVe); a weight file's name ends in the first digits of its SHA-256, which is also all that torch.hub compares.
# Bytes are for showing and for the space that is needed, not for checking; 0: not known. A checksum "-" is not published. An address after
# "none:" is where a mirror would have the file: its own host gives it to nobody, or only to who asks.
table() {
  cat <<'ROWS'
coco2014  | train2014   | 13510573713 | 13600000000 | sha256:ede4087e640bddba550e090eae701092534b554b42b05ac33f0300b984b31775 | http://images.cocodataset.org/zips/train2014.zip | coco | train2014 | COCO 2014 training photographs (82,783); each under the licence that its JSON entry names
coco2014  | val2014     | 6645013297  | 6700000000  | sha256:fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0 | http://images.cocodataset.org/zips/val2014.zip | coco | val2014 | COCO 2014 validation photographs (40,504); each under the licence that its JSON entry names
coco2014  | annotations | 252872794   | 900000000   | sha256:031296bbc80c45a1d1f76bf9a90ead27e94e99ec629208449507a4917a3bf009 | http://images.cocodataset.org/annotations/annotations_trainval2014.zip | coco | annotations | COCO 2014 captions; CC BY 4.0
coco2014  | splits      | 36745453    | 200000000   | sha256:4cfd70132527b80933105e5829dc9034eaab9573482e2e680abbab6130244817 | https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip | coco | dataset_coco.json | Karpathy's splits of COCO; no licence stated, the captions in it are CC BY 4.0
flickr8k  | photographs | 1115419746  | 1150000000  | md5:f18a1e2920de5bd84dae7cf08ec78978 | https://github.com/jbrownlee/Datasets/releases/download/Flickr8k/Flickr8k_Dataset.zip | flickr8k | Flicker8k_Dataset | Flickr8k photographs (8,091); non-commercial research and education only
flickr8k  | text        | 2340801     | 10000000    | md5:bf6c1abcb8e4a833b7f922104de18627 | https://github.com/jbrownlee/Datasets/releases/download/Flickr8k/Flickr8k_text.zip | flickr8k/Flickr8k_text | . | Flickr8k captions and image lists; non-commercial research and education only
flickr30k | flickr30k-splits | 36745453 | 200000000 | sha256:4cfd70132527b80933105e5829dc9034eaab9573482e2e680abbab6130244817 | https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip | flickr30k | dataset_flickr30k.json | Flickr30k captions in Karpathy's splits; no licence stated
flickr30k | flickr30k-photographs | 0 | 0 | - | none:https://shannon.cs.illinois.edu/DenotationGraph/flickr30k-images.zip | flickr30k | flickr30k-images | Flickr30k photographs (31,783), only for who fills in the form at https://shannon.cs.illinois.edu/DenotationGraph/ ; unpack them there
pascal    | pascal-sentences | 0 | 0 | - | none:http://vision.cs.uiuc.edu/pascal-sentences/pascal-sentences.zip | pascal | . | UIUC Pascal sentences (1,000 photographs), never published as an archive: the page http://vision.cs.uiuc.edu/pascal-sentences/ shows them where it still stands
vse       | vse-f8k | 0 | 0 | - | none:http://www.cs.toronto.edu/~rkiros/datasets/f8k.zip | vse | f8k | Kiros' VGG-19 arrays of Flickr8k, whose page is gone since 2020
vse       | vse-f30k | 0 | 0 | - | none:http://www.cs.toronto.edu/~rkiros/datasets/f30k.zip | vse | f30k | Kiros' VGG-19 arrays of Flickr30k, whose page is gone since 2020
vse       | vse-coco | 0 | 0 | - | none:http://www.cs.toronto.edu/~rkiros/datasets/coco.zip | vse | coco | Kiros' VGG-19 arrays of COCO, whose page is gone since 2020
glove     | glove.6B    | 862182613   | 2260000000  | sha256:617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb | https://nlp.stanford.edu/data/glove.6B.zip | glove | glove.6B.50d.txt,glove.6B.100d.txt,glove.6B.200d.txt,glove.6B.300d.txt | GloVe word vectors, 400,000 words in 50 to 300 dimensions; PDDL 1.0
backbones | resnet18    | 46830571    | 0           | sha256:f37072fd | https://download.pytorch.org/models/resnet18-f37072fd.pth | backbones | - | ResNet-18, ImageNet-1K; BSD-3-Clause, ImageNet's terms of access
backbones | resnet34    | 87319819    | 0           | sha256:b627a593 | https://download.pytorch.org/models/resnet34-b627a593.pth | backbones | - | ResNet-34, ImageNet-1K; BSD-3-Clause, ImageNet's terms of access
backbones | resnet50    | 102530333   | 0           | sha256:0676ba61 | https://download.pytorch.org/models/resnet50-0676ba61.pth | backbones | - | ResNet-50, ImageNet-1K; BSD-3-Clause, ImageNet's terms of access
backbones | resnet101   | 178793939   | 0           | sha256:63fe2227 | https://download.pytorch.org/models/resnet101-63fe2227.pth | backbones | - | ResNet-101, ImageNet-1K; BSD-3-Clause, ImageNet's terms of access
backbones | resnet152   | 241627721   | 0           | sha256:394f9c45 | https://download.pytorch.org/models/resnet152-394f9c45.pth | backbones | - | ResNet-152, ImageNet-1K; BSD-3-Clause, ImageNet's terms of access
backbones | vgg16       | 553433881   | 0           | sha256:397923af | https://download.pytorch.org/models/vgg16-397923af.pth | backbones | - | VGG-16, ImageNet-1K; BSD-3-Clause, ImageNet's terms of access
backbones | vgg19       | 574673361   | 0           | sha256:dcbb9e9d | https://download.pytorch.org/models/vgg19-dcbb9e9d.pth | backbones | - | VGG-19, ImageNet-1K; BSD-3-Clause, ImageNet's terms of access
ROWS
}

say() { printf '%s\n' "$*" >&2; }
fail() { say "$1"; exit "${2:-3}"; }

# A command that fails unexpectedly has printed why; the exit code is one of the documented ones all the same.
trap 'exit 3' ERR

# A table's row becomes these variables; the last one keeps its blanks.
read_row() { IFS=' |' read -r collection name bytes unpacked checksum address folder take about <&3; }

rows() { if [ -n "${CAPTIONRET_DOWNLOAD_TABLE:-}" ]; then cat -- "$CAPTIONRET_DOWNLOAD_TABLE"; else table; fi; }

wanted_row() {
  local word
  for word in "${wanted[@]}"; do
    case "$word" in all | "$collection" | "$name") return 0 ;; esac
  done
  return 1
}

# The paths that the row's file ends as, one per line.
results() {
  case "$take" in
    -) printf '%s\n' "$dir/$folder/${address##*/}" ;;
    .) printf '%s\n' "$dir/$folder" ;;
    *) printf '%s\n' "$take" | tr ',' '\n' | while read -r entry; do printf '%s\n' "$dir/$folder/$entry"; done ;;
  esac
}

present() { results | while read -r path; do [ -e "$path" ] || return 1; done; }

# Where the row's download grows.
part_file() { printf '%s' "$dir/$(basename "${address##*/}").part"; }

readable() { awk -v n="$1" 'BEGIN { if (n == 0) printf "?"; else if (n >= 1e9) printf "%.1f GB", n / 1e9; else if (n >= 1e6) printf "%.0f MB", n / 1e6; else printf "%.0f kB", n / 1e3 }'; }

# Whether the file can be had only from a mirror, and none is given.
withheld() { [ "${address#none:}" != "$address" ] && [ -z "${CAPTIONRET_MIRROR:-}" ]; }

# Whether it was asked for by its own name or its collection's, not by "all".
named() {
  local word
  for word in "${wanted[@]}"; do
    case "$word" in "$collection" | "$name") return 0 ;; esac
  done
  return 1
}

source_address() {
  local path=${address#*://}
  if [ -n "${CAPTIONRET_MIRROR:-}" ]; then printf '%s' "${CAPTIONRET_MIRROR%/}/${path#*/}"; else printf '%s' "${address#none:}"; fi
}

list() {
  while read_row; do
    local state=missing
    if present; then state=present; elif withheld; then state=withheld; elif [ -e "$(part_file)" ]; then state=begun; fi
    printf '%-10s %-22s %8s  %-8s %s\n' "$collection" "$name" "$(readable "$bytes")" "$state" "$(results | paste -sd ' ' -)"
    local where
    where=$(source_address)
    if withheld; then where="on a mirror: /${where#*://*/}"; fi
    printf '%23s%s\n%23s%s\n' '' "$about" '' "$where"
  done 3< <(rows)
}

check_names() {
  local word known
  known=$(rows | awk -F ' *[|] *' '!seen[$1]++ { collections = collections $1 ", " } { names = names ", " $2 } END { print collections "all; or single files: " substr(names, 3) }')
  for word in "${wanted[@]}"; do
    rows | awk -F ' *[|] *' -v word="$word" 'word == "all" || $1 == word || $2 == word { found = 1 } END { exit !found }' ||
      fail "There is nothing called '$word' to fetch. Known: $known." 2
  done
}

# Say what will be fetched; refuse when the disk cannot hold it: every result, and the largest archive beside them.
announce() {
  local need=0 largest=0 have free
  while read_row; do
    if ! wanted_row || present || withheld; then continue; fi
    have=0
    if [ -e "$(part_file)" ]; then have=$(wc -c <"$(part_file)"); fi
    say "$name: $(readable "$bytes"). $about."
    if [ "$take" = - ]; then
      need=$((need + bytes - have))
    else
      need=$((need + unpacked))
      if [ $((bytes - have)) -gt "$largest" ]; then largest=$((bytes - have)); fi
    fi
  done 3< <(rows)
  need=$((need + largest))
  free=$(($(df -Pk "$dir" | awk 'NR == 2 { print $4 }') * 1024))
  if [ "$need" -gt "$free" ]; then
    fail "Not enough space: $dir needs $(readable "$need") free and has $(readable "$free"). Nothing was fetched. Free some space, or choose another place with --dir."
  fi
}

# Hold the row's lock, waiting for another run that does. It is the system's own lock on an open file, which ends with whatever
# holds it, curl included; Python's fcntl has it on every system that has it.
lock() {
  local file=$1 state waiting=
  while true; do
    { exec 9>>"$file"; } 2>/dev/null || fail "$name: $dir cannot be written to. Change its permissions, or choose another place with --dir."
    state=0
    python3 - "$file" <<'PY' || state=$?
import os
import sys

try:
    import fcntl
except ImportError:  # Windows
    sys.exit(0)
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
    found = os.stat(sys.argv[1])
except BlockingIOError:
    sys.exit(10)
except FileNotFoundError:
    sys.exit(11)
except OSError:  # a disk without locks
    sys.exit(0)
sys.exit(0 if os.path.samestat(found, os.fstat(9)) else 11)
PY
    case "$state" in
      0) return ;;
      10)
        if [ -z "$waiting" ]; then say "$name: another download.sh is fetching it; waiting for that one"; fi
        waiting=yes
        sleep 1
        ;;
      11) ;; # the other run has just removed its lock
      *) fail "$name: python3 could not lock $file." ;;
    esac
    exec 9>&-
  done
}

unlock() {
  rm -f -- "$1"
  exec 9>&-
}

size_of() { if [ -e "$1" ]; then wc -c <"$1"; else printf 0; fi; }

# Bring the row's file to its .part, going on where an earlier run or attempt stopped.
fetch() {
  local part=$1 url=$2 attempt=0 code status before
  while [ "$attempt" -lt "$tries" ]; do
    before=$(size_of "$part")
    if [ -s "$part" ]; then say "$name: going on at $(readable "$(wc -c <"$part")") of $(readable "$bytes")"; fi
    status=0
    code=$(curl --fail --location --show-error --progress-bar --proto '=http,https' --connect-timeout 30 --speed-limit 1000 --speed-time 60 \
      --continue-at - --output "$part" --write-out '%{http_code}' -- "$url") || status=$?
    case "$status:$code" in
      0:* | *:416) return 0 ;; # 416: nothing is left to fetch, the checksum tells whether it is right
      33:*)
        say "$name: the server cannot go on where it stopped; starting again from the beginning"
        rm -f -- "$part"
        attempt=$((attempt + 1))
        continue
        ;;
      23:*) fail "$name: $part could not be written (disk full?). What was fetched is kept; free some space and run again." ;;
      *:408 | *:429 | *:5??) ;;
      *:4??) fail "$name: $url answers $code. Nothing was fetched. Try again later, or set CAPTIONRET_MIRROR to a host that has the file." ;;
    esac
    attempt=$((attempt + 1))
    if [ "$(size_of "$part")" -ge $((before + progress)) ]; then attempt=1; fi
    say "$name: the connection broke (curl $status, answer $code), attempt $attempt of $tries"
    if [ "$attempt" -lt "$tries" ]; then sleep "${CAPTIONRET_DOWNLOAD_PAUSE:-$attempt}"; fi
  done
  fail "$name: $url could not be fetched. What was fetched so far is kept in $part; run again to go on."
}

verify() {
  local part=$1 url=$2 kind=${checksum%%:*} expected=${checksum#*:} found
  if [ "$checksum" = - ]; then kind=sha256 expected=; fi
  found=$(python3 - "$part" "$kind" <<'PY'
import hashlib
import sys

digest = hashlib.new(sys.argv[2])
try:
    with open(sys.argv[1], "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
except OSError as error:
    sys.exit(f"{sys.argv[1]} cannot be read ({error.strerror}). Run again.")
print(digest.hexdigest())
PY
  )
  if [ -z "$expected" ]; then
    say "$name: its $kind is $found; none is published to compare it with"
    return
  fi
  case "$found" in
    "$expected"*) say "$name: $kind $found is right" ;;
    *)
      rm -f -- "$part"
      fail "$name: what $url sent is not the published file: its $kind is $found, expected $expected. It was removed; run again. If it happens again, the address serves something else."
      ;;
  esac
}

# Unpack the row's archive into a folder of its own. Every name is looked at before anything is written; each entry's CRC is checked.
unpack() {
  python3 - "$1" "$2" "$take" <<'PY'
import stat
import sys
import zipfile
from pathlib import PurePosixPath

archive, target, take = sys.argv[1:]
try:
    with zipfile.ZipFile(archive) as file:
        entries = [entry for entry in file.infolist() if not entry.filename.startswith("__MACOSX/")]
        for entry in entries:
            path = PurePosixPath(entry.filename)
            if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or stat.S_ISLNK(entry.external_attr >> 16):
                sys.exit(f"{archive} is refused: its entry {entry.filename!r} would lie outside of where it is unpacked.")
        for top in () if take == "." else take.split(","):
            if not any(PurePosixPath(entry.filename).parts[:1] == (top,) for entry in entries):
                sys.exit(f"{archive} is refused: it holds no {top}.")
        for entry in entries:
            if take == "." or PurePosixPath(entry.filename).parts[0] in take.split(","):
                file.extract(entry, target)
except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
    sys.exit(f"{archive} is not a whole zip archive ({error}).")
except OSError as error:
    sys.exit(f"{archive} could not be unpacked ({error.strerror}).")
PY
}

# Put the verified .part where it belongs. Each result appears by one rename; the archive goes last, so that a kill costs no download.
place() {
  local part=$1 path entry
  if [ "$take" = - ]; then
    mkdir -p -- "$dir/$folder"
    sync
    mv -f -- "$part" "$(results)"
    return
  fi
  say "$name: unpacking"
  unpacking="$dir/.unpacking-$name"
  rm -rf -- "$unpacking"
  mkdir -- "$unpacking"
  if ! unpack "$part" "$unpacking"; then
    rm -rf -- "$unpacking"
    fail "$name: nothing was unpacked. Free some space if the disk is full; otherwise remove $part and run again."
  fi
  sync # a power cut after the rename must not leave empty files behind
  results | while read -r path; do
    entry=$unpacking/${path##*/}
    if [ "$take" = . ]; then entry=$unpacking; fi
    mkdir -p -- "${path%/*}"
    if [ ! -e "$path" ]; then mv -- "$entry" "$path"; fi
  done
  rm -rf -- "$unpacking" "$part"
}

get() {
  local part
  while read_row; do
    if ! wanted_row; then continue; fi
    if withheld && ! present; then
      say "$name cannot be fetched: $about. It can be taken from a mirror that has it (CAPTIONRET_MIRROR), or be put to $(results | paste -sd ' ' -)."
      if named; then missing=yes; fi
      continue
    fi
    if ! present; then
      held="$dir/.$(basename "${address##*/}").lock" # rows may share an archive
      lock "$held"
      if ! present; then # the run that was waited for may have brought it
        part=$(part_file)
        fetch "$part" "$(source_address)" </dev/null
        verify "$part" "$(source_address)"
        place "$part"
        say "$name: done"
      fi
      unlock "$held"
      held=
    else
      say "$name: already there"
    fi
    results
  done 3< <(rows)
}

dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)/data
wanted=()
listing=
while [ $# -gt 0 ]; do
  case "$1" in
    --list) listing=yes ;;
    --dir)
      if [ $# -lt 2 ]; then fail "--dir needs a folder. $usage" 2; fi
      dir=$2
      shift
      ;;
    --dir=*) dir=${1#--dir=} ;;
    -h | --help)
      printf '%s\n' "$usage"
      sed -n '2,14s/^#//p' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    -*) fail "There is no option $1. $usage" 2 ;;
    *) wanted+=("$1") ;;
  esac
  shift
done

if [ -n "$listing" ]; then
  list
  exit 0
fi
if [ "${#wanted[@]}" -eq 0 ]; then fail "$usage. ./download.sh --list shows what there is." 2; fi
check_names
for tool in curl python3; do
  command -v "$tool" >/dev/null || fail "download.sh needs $tool; install it and run again."
done
mkdir -p -- "$dir" 2>/dev/null || fail "The folder $dir cannot be made. Check the path and its permissions, or choose another place with --dir."
if [ ! -w "$dir" ]; then fail "$dir cannot be written to. Change its permissions, or choose another place with --dir."; fi
announce
unpacking=
held=
missing=
trap 'if [ -n "$unpacking" ]; then rm -rf -- "$unpacking"; fi; if [ -n "$held" ]; then rm -f -- "$held"; fi' EXIT
trap 'say "Stopped. Run again to go on where it stopped."; exit 130' INT TERM
get
if [ -n "$missing" ]; then exit 3; fi
