from __future__ import annotations

import json

from headrace.viz import app, tag


def test_data_cannot_end_its_element() -> None:
    data = json.dumps({"</script><script>": "\u2028 <!-- "}, ensure_ascii=False)
    page = app("t", tag("p", "<i>"), data=data)
    held = page.split('id="data">')[1].split("</script>")[0]
    assert "<" not in held
    assert "\u2028" not in held
    assert json.loads(held) == json.loads(data)


def test_the_policy_allows_no_inline_style_and_no_host() -> None:
    page = app("<t>", data="{}", styles=".hr{}", scripts="1;", subtitle="<s>")
    assert "unsafe-inline" not in page
    assert "default-src &#x27;none&#x27;" in page
    assert "<title>&lt;t&gt;</title>" in page
    assert "<s>" not in page


def test_the_policy_follows_style_and_script() -> None:
    def policy(page: str) -> str:
        return page.split("Content-Security-Policy")[1].split(">", maxsplit=1)[0]

    assert policy(app("t", data="1")) == policy(app("u", data="2"))
    assert policy(app("t", data="1")) != policy(app("t", data="1", scripts="2;"))
