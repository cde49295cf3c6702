#!/usr/bin/env python3
# Tests of tools/tidy: each rule finds what it forbids and lets pass what it allows.
import importlib.machinery
import importlib.util
import os
import tempfile
import unittest

LOADER = importlib.machinery.SourceFileLoader(
    "tidy", os.path.join(os.path.dirname(os.path.abspath(__file__)), "tidy"))
SPEC = importlib.util.spec_from_loader("tidy", LOADER)
tidy = importlib.util.module_from_spec(SPEC)
import sys
sys.dont_write_bytecode = True
LOADER.exec_module(tidy)


def findings(files):
    """What tidy says of a tree made of {name: text}."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
            with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                file.write(text)
        tree = tidy.Tree(root)
        for check in tidy.CHECKS:
            check(tree)
        return tree.findings


CAPTION = "// Noun: what it is for.\n"


class Rules(unittest.TestCase):
    def found(self, files, words):
        self.assertTrue(any(words in line for line in findings(files)), findings(files))

    def clean(self, files):
        self.assertEqual(findings(files), [])

    def test_a_file_without_caption_is_found(self):
        self.found({"src/base/a.cpp": "#include <string>\n"}, "caption")
        self.clean({"src/base/a.cpp": CAPTION})
        self.clean({"tools/x.py": "#!/usr/bin/env python3\n# Tool: what it is for.\n"})

    def test_an_include_upwards_is_found(self):
        self.found({"src/base/a.h": CAPTION + '#include "http/b.h"\n', "src/http/b.h": CAPTION},
                   "base may not include http")
        self.clean({"src/http/a.h": CAPTION + '#include "base/b.h"\n', "src/base/b.h": CAPTION})

    def test_a_cycle_is_found(self):
        self.found({"src/base/a.h": CAPTION + '#include "base/b.h"\n',
                    "src/base/b.h": CAPTION + '#include "base/a.h"\n'}, "include cycle")

    def test_a_relative_include_is_found(self):
        self.found({"src/base/a.cpp": CAPTION + '#include "b.h"\n', "src/base/b.h": CAPTION}, "not a path")

    def test_the_server_may_not_see_the_engines(self):
        self.found({"src/api/a.cpp": CAPTION + "#include <llama.h>\n"}, "only src/engines")
        self.clean({"src/engines/a.cpp": CAPTION + "#include <llama.h>\n"})

    def test_a_long_function_is_found_and_a_long_class_is_not(self):
        body = "  call();\n"
        self.found({"src/base/a.cpp": CAPTION + "int f(int a) {\n" + body * 70 + "}\n"}, "f has 72 lines")
        self.clean({"src/base/a.cpp": CAPTION + "int f(int a) {\n" + body * 60 + "}\n"})
        self.clean({"src/base/a.h": CAPTION + "class A {\n" + "  void f();\n" * 90 + "};\n"})

    def test_a_long_file_is_found(self):
        self.found({"src/base/a.h": CAPTION + "int a;\n" * 800}, "801 lines")

    def test_banned_words_are_found_in_code_only(self):
        self.found({"src/base/a.cpp": CAPTION + "auto* a = new int;\n"}, "new")
        self.found({"src/base/a.cpp": CAPTION + "void f() { throw 1; }\n"}, "throw")
        self.found({"src/base/a.cpp": CAPTION + "using namespace std;\n"}, "using namespace")
        self.clean({"src/base/a.cpp": CAPTION + "// a new thing to throw away\nconst char* a = \"new b\";\n"})
        self.clean({"src/base/a.h": CAPTION + "struct A { A(const A&) = delete; };\n"})

    def test_a_name_that_says_nothing_is_found(self):
        self.found({"src/base/string_utils.h": CAPTION}, "says nothing")

    def test_a_long_comment_outside_a_header_is_found(self):
        self.found({"src/base/a.cpp": CAPTION + "\n" + "// more\n" * 13}, "comment block")

    def test_a_broken_link_is_found(self):
        self.found({"docs/a.md": "[b](b.md)\n"}, "broken link")
        self.clean({"docs/a.md": "[b](b.md) [c](https://example.org)\n", "docs/b.md": "text\n"})

    def test_a_link_of_libraries_that_the_table_forbids_is_found(self):
        self.found({"src/base/CMakeLists.txt": "selvedge_layer(base DEPENDS http LIBS x)\n"}, "base links http")


if __name__ == "__main__":
    unittest.main()
