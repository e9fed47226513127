# Owns what a browser makes of a page: its tree, by html5lib.
# Called by the tests of injection.
# Never looks at a page's bytes itself.
import html5lib

HTML = "{http://www.w3.org/1999/xhtml}"


def tree(page, encoding=None):
    """The page's elements, as browsers that run scripts build them."""
    if isinstance(page, bytes):
        parser = html5lib.HTMLParser(namespaceHTMLElements=True)
        return parser.parse(page, transport_encoding=encoding, scripting=True)
    return html5lib.parse(page, scripting=True)


def tags_of_ours(root):
    """Our script elements, each with its parent."""
    return [
        (parent, child)
        for parent in root.iter()
        for child in parent
        if child.tag == HTML + "script" and "data-presence" in child.attrib
    ]


def without(root, parent, child):
    """The tree as it was before: neighbouring texts become one again."""
    index = list(parent).index(child)
    if child.tail:
        if index:
            parent[index - 1].tail = (parent[index - 1].tail or "") + child.tail
        else:
            parent.text = (parent.text or "") + child.tail
    parent.remove(child)
    return root


def shape(element):
    """Everything of a tree that can be compared."""
    return (
        str(element.tag),
        sorted(element.attrib.items()),
        element.text or "",
        [(shape(child), child.tail or "") for child in element],
    )
