// Owns which encodings of a page can be read as ASCII as far as tags go.
// Called with the charset of a Content-Type and with that of a page's `<meta>`.
// Never decodes a character.

import ProxyCore

/// The labels of encodings (encoding.spec.whatwg.org §4.2) by what their bytes allow.
///
/// In Shift_JIS, GBK, gb18030, Big5 and EUC-KR the second byte of a character may be a letter or a
/// digit, but never one of `< > " ' / = - !` or white space: tags are where ASCII shows them.
/// ISO-2022-JP writes characters with all of these.
enum PageCharset {
    static func isSafe(_ label: RawSpan) -> Bool {
        let label = trimmed(label)
        return exact.contains { label.equalsFolded($0) }
            || families.contains { label.begins(folded: $0) }
    }

    /// UTF-16, whose bytes are no ASCII at all.
    static func isWide(_ label: RawSpan) -> Bool { trimmed(label).begins(folded: "utf-16") }

    private static let exact: [StaticString] = [
        "utf-8", "utf8", "unicode-1-1-utf-8", "us-ascii", "ascii", "ansi_x3.4-1968",
        "latin1", "latin2", "latin3", "latin4", "latin5", "latin6", "l1", "l2", "l9",
        "windows-874", "dos-874", "tis-620", "koi8-r", "koi8-u", "koi8", "koi", "ibm866", "cp866",
        "macintosh", "mac", "x-mac-roman", "x-mac-cyrillic", "x-user-defined",
        "shift_jis", "shift-jis", "sjis", "x-sjis", "ms_kanji", "ms932", "windows-31j",
        "euc-jp", "x-euc-jp", "euc-kr", "windows-949", "ks_c_5601-1987", "ks_c_5601-1989",
        "ksc5601", "ksc_5601", "korean",
        "gbk", "x-gbk", "gb2312", "gb_2312", "gb_2312-80", "gb18030", "chinese",
        "big5", "big5-hkscs", "cn-big5", "x-x-big5",
    ]

    /// Every encoding whose name begins so is one of single bytes that has ASCII in it.
    private static let families: [StaticString] = [
        "iso-8859-", "iso8859", "iso_8859-", "windows-125", "cp125", "x-cp125",
    ]

    /// Where the label stands in a `Content-Type` or in what a `<meta>` says of one; nil: nowhere.
    static func label(in value: RawSpan) -> Range<Int>? {
        var at = 0
        while at + 7 <= value.byteCount {
            guard value.extracting(at..<at + 7).equalsFolded("charset") else {
                at += 1
                continue
            }
            at += 7
            skipBlanks(value, &at)
            guard at < value.byteCount, value[at: at] == HTMLByte.equals else { continue }
            at += 1
            skipBlanks(value, &at)
            return label(in: value, from: at)
        }
        return nil
    }

    private static func label(in value: RawSpan, from start: Int) -> Range<Int> {
        guard start < value.byteCount else { return start..<start }
        let quote = value[at: start]
        if quote == HTMLByte.quote || quote == HTMLByte.apostrophe {
            return start + 1..<(value.first(quote, from: start + 1) ?? value.byteCount)
        }
        var end = start
        while end < value.byteCount, !HTMLByte.isBlank(value[at: end]), value[at: end] != 0x3B {
            end += 1
        }
        return start..<end
    }

    private static func skipBlanks(_ value: RawSpan, _ at: inout Int) {
        while at < value.byteCount, HTMLByte.isBlank(value[at: at]) { at += 1 }
    }

    @_lifetime(copy label)
    private static func trimmed(_ label: RawSpan) -> RawSpan {
        var start = 0
        var end = label.byteCount
        while start < end, HTMLByte.isBlank(label[at: start]) { start += 1 }
        while start < end, HTMLByte.isBlank(label[at: end - 1]) { end -= 1 }
        return label.extracting(start..<end)
    }
}

extension RawSpan {
    /// Whether the bytes begin with `literal`, which is in lower case, with ASCII letters folded.
    func begins(folded literal: StaticString) -> Bool {
        let count = literal.utf8CodeUnitCount
        return byteCount >= count && extracting(0..<count).equalsFolded(literal)
    }

    /// Those of `range`.
    subscript(range: Range<Int>) -> RawSpan {
        @_lifetime(copy self)
        get { extracting(range) }
    }
}
