#!/usr/bin/env python3
# Files to Markdown end to end: real documents through REST, the command line and the AI binding's door; hostile ones.
"""Office documents are put together with zipfile, PDFs by hand."""
import base64
import concurrent.futures
import io
import json
import os
import pathlib
import signal
import sys
import tempfile
import time
import unittest
import uuid
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from server_process import BIN, ServerProcess, TemporaryHome, cli, request  # noqa: E402

PATH = "/client/v4/accounts/local/ai/tomarkdown"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def package(**parts):
    """An archive; `word__document` is the part word/document.xml."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return out.getvalue()


def docx(body):
    return package(word__document='<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
                                  f"<w:body>{body}</w:body></w:document>",
                   word__styles='<w:styles xmlns:w="w"><w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style></w:styles>')


def paragraph(text, style=""):
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def xlsx(rows):
    cells = "".join("<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
                    for row in rows)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", '<workbook xmlns:r="http://x/relationships"><sheets><sheet name="织机" '
                                            'r:id="r1"/></sheets></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", '<R><Relationship Id="r1" Target="worksheets/sheet1.xml"/></R>')
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet><sheetData>{cells}</sheetData></worksheet>")
    return out.getvalue()


def odt(body):
    return package(content='<office:document-content xmlns:office="o" xmlns:text="t" xmlns:table="tb"><office:body>'
                           f"<office:text>{body}</office:text></office:body></office:document-content>")


def pdf(content, fonts, extra=()):
    """One page; `fonts` maps names to the numbers of objects, the first of `extra` being 4."""
    stream = zlib.compress(content)
    names = " ".join(f"/{name} {number} 0 R" for name, number in fonts.items())
    first = 4 + len(extra)
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
               f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {first} 0 R/Resources<</Font<<{names}>>>>>>".encode(),
               *extra, b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(stream), stream)]
    out, places = b"%PDF-1.5\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + table + b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))


HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def two_columns():
    """The left column's lines are drawn after the right one's."""
    text = b"BT /F 11 Tf 14 TL "
    for left, name in ((330, b"right"), (60, b"left")):
        text += b"1 0 0 1 %d 700 Tm " % left
        for line in range(20):
            text += b"(%s column, line %d, with words) Tj T* " % (name, line)
    return pdf(text + b"ET", {"F": 4}, [HELVETICA])


def chinese():
    """Bytes in GBK, whose meaning is in tables that Poppler reads from the disk."""
    fonts = [b"<</Type/Font/Subtype/Type0/BaseFont/STSong/Encoding/GBK-EUC-H/DescendantFonts[5 0 R]>>",
             b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)"
             b"/Supplement 2>>/FontDescriptor 6 0 R>>",
             b"<</Type/FontDescriptor/FontName/STSong/Flags 6/FontBBox[0 0 1000 1000]/ItalicAngle 0/Ascent 800"
             b"/Descent -200/CapHeight 700/StemV 80>>"]
    return pdf(b"BT /F 12 Tf 72 700 Td <" + "织机把经线拉紧。".encode("gbk").hex().encode() + b"> Tj ET", {"F": 4}, fonts)


def form(files, options=None):
    boundary = uuid.uuid4().hex
    body = b""
    for name, kind, content in files:
        body += (f'--{boundary}\r\ncontent-disposition: form-data; name="files"; filename="{name}"\r\n'
                 f"content-type: {kind}\r\n\r\n").encode() + content + b"\r\n"
    if options is not None:
        body += (f'--{boundary}\r\ncontent-disposition: form-data; name="conversionOptions"\r\n\r\n'
                 f"{json.dumps(options)}\r\n").encode()
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found += [int(number) for number in (task / "children").read_text().split()]
    return found


class Markdown(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = TemporaryHome().__enter__()
        cls.server = ServerProcess(cls.home.path)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.home.__exit__()

    def convert(self, *files, options=None):
        kind, body = form(files, options)
        status, _, answer = request("POST", self.server.url + PATH, body, {"content-type": kind})
        self.assertEqual(status, 200, answer)
        return json.loads(answer)["result"]

    def data(self, name, content, kind="application/octet-stream", options=None):
        (result,) = self.convert((name, kind, content), options=options)
        self.assertEqual(result["format"], "markdown", result)
        return result["data"]

    def error(self, name, content):
        (result,) = self.convert((name, "", content))
        self.assertEqual(result["format"], "error", result)
        return result["error"]

    def test_office_documents(self):
        text = docx(paragraph("Looms & 织机".replace("&", "&amp;"), "H1") + paragraph("1. no list"))
        self.assertEqual(self.data("a.docx", text), "# Looms & 织机\n\n1\\. no list\n")
        self.assertEqual(self.data("a.xlsx", xlsx([["a", "b|"], ["织", ""]])),
                         "# a.xlsx\n\n## 织机\n\n| a | b\\| |\n| --- | --- |\n| 织 | |\n")
        self.assertEqual(self.data("a.odt", odt("<text:h>Über</text:h><text:p>x</text:p>")), "# Über\n\nx\n")

    def test_pdf_in_reading_order(self):
        text = self.data("c.pdf", two_columns(), options={"pdf": {"metadata": False}})
        self.assertTrue(text.startswith("# c.pdf\n\n## Contents\n\n### Page 1\n"), text[:200])
        self.assertLess(text.index("left column, line 19"), text.index("right column, line 0"))
        self.assertLess(text.index("right column, line 0"), text.index("right column, line 19"))

    def test_pdf_in_chinese(self):
        self.assertIn("织机把经线拉紧。", self.data("z.pdf", chinese()))

    def test_many_files_have_each_their_result(self):
        results = self.convert(("a.html", "text/html", b"<p>a</p>"), ("b.docx", DOCX, b"PK\3\4 broken"),
                               ("c.csv", "text/csv; charset=gbk", "织,机\n".encode("gbk")))
        self.assertEqual([result["format"] for result in results], ["markdown", "error", "markdown"])
        self.assertEqual([result["name"] for result in results], ["a.html", "b.docx", "c.csv"])
        self.assertIn("| 织 | 机 |", results[2]["data"])
        self.assertEqual(len({result["id"] for result in results}), 3)

    def test_a_picture_without_a_model_that_sees_tells_how_to_get_one(self):
        self.assertIn("selvedge pull", self.error("a.png", b"\x89PNG"))
        self.assertIn(".gif files are not converted", self.error("a.gif", b"GIF89a"))

    def test_the_bindings_door(self):
        body = json.dumps({"files": [{"name": "a.odt", "mimeType": "", "data":
                                      base64.b64encode(odt("<text:p>x</text:p>")).decode()}]}).encode()
        status, _, answer = request("POST", self.server.url + "/to-everything/markdown/transformer", body,
                                    {"host": "workers-binding.ai", "content-type": "application/json"})
        self.assertEqual(status, 200, answer)
        self.assertEqual(json.loads(answer)["result"][0]["data"], "x\n")

    def test_the_command_line(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, 'a "b" 织.html')
            page.write_text("<h1>T</h1><nav>n</nav><a href=/x>y</a>")
            bad = pathlib.Path(folder, "bad.pdf")
            bad.write_text("no PDF")
            done = cli(self.home.path, "markdown", page, "--url", self.server.url, "--hostname", "a.b")
            self.assertEqual(done.stdout, "# T\n\nn\n\n[y](https://a.b/x)\n")
            done = cli(self.home.path, "markdown", page, "--url", self.server.url, "--selector", "h1", "--plain", "--json")
            (result,) = json.loads(done.stdout)
            self.assertEqual((result["name"], result["data"]), (page.name, "T\n"))
            done = cli(self.home.path, "markdown", bad, page, "--url", self.server.url, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("bad.pdf: this is not a PDF", done.stderr)
            self.assertTrue(done.stdout.startswith("# T\n"))
            done = cli(self.home.path, "markdown", folder + "/none", "--url", self.server.url, check=False)
            self.assertIn("cannot read", done.stderr)

    def test_hostile_documents_are_refused_one_by_one(self):
        bomb = docx("<w:p/>" + " " * (140 << 20))
        self.assertLess(len(bomb), 1 << 20)
        self.assertIn("too large when it is unpacked", self.error("bomb.docx", bomb))
        entities = "<!DOCTYPE r [<!ENTITY a0 'lol'>" + "".join(
            f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12)) + "]><r>&a11;</r>"
        (result,) = self.convert(("laughs.xml", "application/xml", entities.encode()))
        self.assertLess(len(json.dumps(result)), 1000)
        outside = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>a&x;b</r>'
        self.assertEqual(self.data("outside.xml", outside), "- **r**: ab\n")
        deep = b"<div><b><ul><li><blockquote>" * 20_000 + b"x"
        self.convert(("deep.html", "text/html", deep))
        self.assertIn("not a PDF", self.error("a.pdf", os.urandom(1000)))

    def test_others_are_answered_while_a_file_is_converted(self):
        rows = [[f"cell {row} {column}" for column in range(40)] for row in range(6_000)]
        large = xlsx(rows)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            converting = pool.submit(self.data, "large.xlsx", large)
            slowest = 0
            while not converting.done():
                begun = time.monotonic()
                status, _, _ = request("GET", self.server.url + "/health")
                slowest = max(slowest, time.monotonic() - begun)
                self.assertEqual(status, 200)
            self.assertEqual(converting.result().count("\n"), 6_000 + 5)
        self.assertLess(slowest, 1)

    def test_a_converter_that_dies_is_the_files_failure(self):
        rows = [[f"cell {row} {column}" for column in range(40)] for row in range(20_000)]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            converting = pool.submit(self.error, "large.xlsx", xlsx(rows))
            deadline = time.monotonic() + 20
            while not (found := children(self.server.process.pid)) and time.monotonic() < deadline:
                time.sleep(0.005)
            os.kill(found[0], signal.SIGKILL)
            self.assertIn("signal 9", converting.result())
        self.assertEqual(self.data("a.html", b"<p>a</p>"), "a\n")

    def test_a_server_that_ends_waits_for_no_file(self):
        rows = [[f"cell {row} {column}" for column in range(40)] for row in range(20_000)]
        with TemporaryHome() as home:
            server = ServerProcess(home.path)
            kind, body = form([("large.xlsx", "", xlsx(rows))])
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                converting = pool.submit(request, "POST", server.url + PATH, body, {"content-type": kind})
                deadline = time.monotonic() + 20
                while not (found := children(server.process.pid)) and time.monotonic() < deadline:
                    time.sleep(0.005)
                code, seconds = server.stop()
                self.assertEqual(code, 0)
                self.assertLess(seconds, 5)
                converting.exception()
            self.assertFalse(pathlib.Path(f"/proc/{found[0]}").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
