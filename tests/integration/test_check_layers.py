"""tools/check_layers accepts what points down through a door and names what does not."""
import pathlib
import subprocess

import pytest

TOOL = pathlib.Path(__file__).parents[2] / "tools" / "check_layers"
TABLE = "base:\nlang: base\nhttp: ^lang lang\nmain: *\n"

CASES = [
    # label, files below src, what the tool says (None: nothing)
    ("down through a door", {"lang/json.c": '#include "base/err.h"', "base/err.h": ""}, None),
    ("own private header", {"lang/json.c": '#include "lang_priv.h"', "lang/lang_priv.h": ""}, None),
    ("transitive by ^", {"http/http.c": '#include "base/err.h"', "base/err.h": ""}, None),
    ("main may all", {"main.c": '#include "http/http.h"', "http/http.h": ""}, None),
    ("a file below a room's folder", {"http/tls/tls.c": '#include "lang/json.h"', "lang/json.h": ""}, None),
    ("system header", {"base/err.c": "#include <stdio.h>"}, None),
    ("upwards", {"base/err.c": '\n#include "lang/json.h"', "lang/json.h": ""},
     "src/base/err.c:2: allowed: base must not include lang (it may: nothing)"),
    ("past a door", {"lang/json.c": '#include "base/err_priv.h"', "base/err_priv.h": ""},
     "src/lang/json.c:1: door: "),
    ("in a circle", {"lang/a.h": '#include "base/b.h"', "base/b.h": '#include "lang/a.h"'},
     "cycle: base -> lang -> base"),
    ("a folder nobody listed", {"extra/x.c": ""}, "src/extra/x.c:1: listed: "),
]


@pytest.mark.parametrize("label,files,want", CASES, ids=[c[0] for c in CASES])
def test_layers(tmp_path, label, files, want):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "layers.txt").write_text(TABLE)
    for name, text in files.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    r = subprocess.run([TOOL, tmp_path], capture_output=True, text=True)
    assert r.returncode == (1 if want else 0), r.stderr
    assert (want or "") in r.stderr


def test_a_table_that_names_no_room_is_refused(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "tools" / "layers.txt").write_text("base: bas\n")
    r = subprocess.run([TOOL, tmp_path], capture_output=True, text=True)
    assert r.returncode == 1
    assert "names 'bas', which is no room" in r.stderr
