// Owns pages as they are found in the wild and in nightmares, and where our tag goes in each.
// Called by TagInjectorTests, which feeds each in pieces of every size.
// Never holds a page of which a browser would say otherwise: an end-to-end test parses them too.

@testable import StatusAPI

/// One page. `@@` is where the tag goes; without it the page is left alone, for `reason`.
struct PageVector {
    let name: String
    let page: String
    let reason: InjectionOutcome
    /// What the response's Content-Security-Policy fields say.
    var fields: [String] = []
    var nonce: String?

    init(
        _ name: String, _ page: String, _ reason: InjectionOutcome = .injected,
        fields: [String] = [], nonce: String? = nil
    ) {
        self.name = name
        self.page = page
        self.reason = reason
        self.fields = fields
        self.nonce = nonce
    }

    static let all = places + hidden + strange + untouched + policies

    private static let doctype = "<!DOCTYPE html>\n"

    private static let places: [PageVector] = [
        PageVector(
            "ordinary",
            doctype
                + "<html lang=\"en\"><head><title>A</title>@@</head><body><p>x</p></body></html>"
        ),
        PageVector("uppercase", "<!doctype HTML><HTML><HEAD><TITLE>A</TITLE>@@</HEAD><BODY>"),
        PageVector("spaces in the end tag", doctype + "<head>@@</head \n ><body>x"),
        PageVector("attributes in the end tag", doctype + "<head>@@</head a='>'><body>x"),
        PageVector("no end of head", doctype + "<html><head><title>A</title>\n@@<body>x"),
        PageVector("no head", doctype + "<html>\n@@<body>x"),
        PageVector("no head, no body", doctype + "<title>A</title>\n@@<p>x"),
        PageVector("no tag at all", doctype + "\n@@Hello"),
        PageVector("no doctype", "<html><head>@@</head><body>x"),
        PageVector("head alone", "<head><title>A</title>@@</head>x"),
        PageVector("body alone", "<title>A</title>@@<body>x"),
        PageVector("text ends the head", doctype + "<head><title>A</title>  @@Hello</head>"),
        PageVector("an element ends the head", doctype + "<head>@@<div></head></div>"),
        PageVector("an unknown element", doctype + "<head>@@<averyveryverylongname a='>'>"),
        PageVector("a custom element", doctype + "<head>@@<app-root></app-root>"),
        PageVector(
            "image in the head", doctype + "<head><link rel=a>@@<img src=x><title>A</title>"),
        PageVector("frames", "<html><head><title>A</title>@@</head><frameset cols='1,*'><frame>"),
        PageVector("frames without a head", "<html>@@<frameset><frame src=a></frameset>"),
        PageVector("self-closed head", doctype + "<html><head/><title>A</title>@@<body>"),
        PageVector("two heads", doctype + "<head><title>A</title><head><link>@@</head>"),
        PageVector("end of body", doctype + "<title>A</title>@@</body></html>"),
        PageVector("end of html", doctype + "<html><title>A</title>@@</html>"),
        PageVector("a stray line break tag", doctype + "<head>@@</br><title>A</title></head>"),
        PageVector(
            "stray end tags", doctype + "</p></div x='>'><head></title></template>@@</head>"),
        PageVector(
            "a stray end tag of a long name", doctype + "<head></averyveryveryverylong=\">@@</head>"
        ),
        PageVector(
            "everything a head may have",
            doctype + """
                <html><head><meta charset=utf-8><base href="/app/"><basefont><bgsound><link rel=x>
                <style>a>b{}</style><script src=a.js></script><noscript><img src=a></noscript>
                <noframes><p></noframes><template><div></div></template>@@</head><body>
                """),
        PageVector("after a byte order mark", "\u{ef}\u{bb}\u{bf}<!doctype html><head>@@</head>"),
        PageVector(
            "XHTML sent as HTML",
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!DOCTYPE html PUBLIC "
                + "\"-//W3C//DTD XHTML 1.0 Strict//EN\" \"http://www.w3.org/TR/xhtml1/DTD/x.dtd\">"
                + "<html xmlns=\"http://www.w3.org/1999/xhtml\"><head><meta name='a' />"
                + "<title>A</title>@@</head><body/></html>"),
        PageVector(
            "slashes",
            doctype + "<head><link a=b/><meta/ name=x / ><script/src=a></script>@@</head>"),
        PageVector(
            "already in the body", doctype + "<head>@@</head><body><script data-presence></script>"),
    ]

    /// A `</head>` that is none.
    private static let hidden: [PageVector] = [
        PageVector("comment before the head", "<!-- </head> --><!doctype html><head>@@</head>"),
        PageVector(
            "head in a comment", doctype + "<!-- <head></head><body> --><title>A</title>@@<p>"),
        PageVector(
            "comment with dashes", doctype + "<head><!-- -- </head> --- </head> -->@@</head>"),
        PageVector("comment ended by --!>", doctype + "<head><!-- </head> --!>@@</head>-->"),
        PageVector("empty comments", doctype + "<head><!--><!---><!---->@@</head>"),
        PageVector("comment ended at once", doctype + "<head><!-->@@</head>-->"),
        PageVector("comment ended by its dash", doctype + "<head><!--->@@</head>-->"),
        PageVector("comment not ended by -!>", doctype + "<head><!---!></head>-->@@</head>"),
        PageVector("comment in a comment", doctype + "<head><!-- <!-- </head> <!-->@@</head>"),
        PageVector("dash bang dash", doctype + "<head><!-- --!-></head> --!--> @@</head>"),
        PageVector("bogus comments", doctype + "<head><!foo '><?php '></1 '><!-x><!>@@</head>"),
        PageVector("almost a doctype", doctype + "<head><!doctyp e><!doc>@@</head>"),
        PageVector("CDATA is a comment here", doctype + "<head><![CDATA[ </head ]]>@@</head>"),
        PageVector("nothing", doctype + "<head></>@@</head>"),
        PageVector(
            "conditional comments",
            doctype + "<!--[if IE]><html class=\"ie\"><![endif]-->\n<!--[if !IE]><!--><html>"
                + "<!--<![endif]--><head><!--[if lt IE 9]><script src=h.js></script></head>"
                + "<![endif]--><![if !IE]><link rel=a><![endif]>@@</head>"),
        PageVector("in a script", doctype + "<head><script>a = '</head><body>'</script>@@</head>"),
        PageVector(
            "script with a </script inside its name",
            doctype + "<head><script></scripts></head></script>@@</head>"),
        PageVector(
            "commented script",
            doctype + "<head><script><!--\ndocument.write('<script></head></script>')\n"
                + "//--></script>@@</head>"),
        PageVector(
            "script never uncommented", doctype + "<head><script><!-- </script>@@</head>-->"),
        PageVector(
            "script comment ended at once",
            doctype + "<head><script><!--><script></script>@@</head>"),
        PageVector(
            "script twice escaped",
            doctype
                + "<head><script><!-- <script > </head></script > </script>@@</head>"),
        PageVector(
            "script twice escaped, ended by the comment",
            doctype + "<head><script><!-- <script> --></script>@@</head>"),
        PageVector(
            "script not uncommented by one dash",
            doctype + "<head><script><!-- <script> -></script> --></script>@@</head>"),
        PageVector("almost escaped", doctype + "<head><script><!- <script></script>@@</head>"),
        PageVector("less and less", doctype + "<head><script>if (a<<b</s) {}<</script>@@</head>"),
        PageVector(
            "script by an odd tag", doctype + "<head><script></SCRIPT\u{c}a=\"</head>\">@@</head>"),
        PageVector("in a title", doctype + "<head><title></head><body></title>@@</head>"),
        PageVector("title with an entity", doctype + "<head><title>&lt;/title></title>@@</head>"),
        PageVector(
            "in a style", doctype + "<head><style>a:after{content:'</head>'}</style>@@</head>"),
        PageVector("in noscript", doctype + "<head><noscript><body></head></noscript>@@</head>"),
        PageVector(
            "in an attribute", doctype + "<head><meta content=\"</head>\" name='>'>@@</head>"),
        PageVector(
            "in an attribute without quotes", doctype + "<head><meta content=</head>@@</head>"),
        PageVector("in an attribute's name", doctype + "<head><meta </head=\"\">@@</head>"),
        PageVector("quotes that are none", doctype + "<head><meta a=b\"c d'>@@</head>"),
        PageVector("equals signs", doctype + "<head><meta =\"> <meta ==\">\">@@</head>"),
        PageVector("no value", doctype + "<head><meta a= ><meta a = b c = \">\">@@</head>"),
        PageVector("doctype with quotes", "<!DOCTYPE html PUBLIC \"a>@@b\" c>"),
        PageVector("in a template", doctype + "<head><template></head><body>x</template>@@</head>"),
        PageVector(
            "templates",
            doctype + "<head><template><template></template><title></template>"
                + "</title><textarea></template></textarea><script data-presence></script>"
                + "</template>@@</head>"),
        PageVector(
            "double-byte text", doctype + "<head><title>\u{83}\u{5c}\u{95}\u{7c}</title>@@</head>"),
    ]

    private static let strange: [PageVector] = [
        PageVector("NUL ends the head", doctype + "<head>@@\0<title>A</title></head>"),
        PageVector("NUL in a name", doctype + "<head>@@<met\0a></head>"),
        PageVector("NUL within", doctype + "<head><title>\0</title><meta a\0='\0'>@@</head>"),
        PageVector("high bytes", doctype + "<head><title>\u{ff}\u{fe}\u{80}</title>@@</head>"),
        PageVector("a less sign", doctype + "<head>@@< title>"),
        PageVector("two less signs", doctype + "<head>@@<<title>"),
        PageVector("less sign and digit", doctype + "<head>@@<3"),
        PageVector("a reference", doctype + "<head>@@&nbsp;<title>A</title></head>"),
        PageVector("form feeds", "<!doctype html>\u{c}<html>\u{c}<head>\u{c}@@</head>"),
        PageVector("page over after the tag", doctype + "<head>@@</head>"),
        PageVector("svg ends the head", doctype + "<head>@@<svg><title></head></title></svg>"),
        PageVector("base without a host", doctype + "<base href=\"?a:b\">@@<p>"),
        PageVector("second base", doctype + "<base href=/><base href=//x/>@@<p>"),
    ]

    private static let untouched: [PageVector] = [
        PageVector("nothing at all", "", .noPlace),
        PageVector("white space", " \n\t ", .noPlace),
        PageVector("plain text", "Hello", .fragment),
        PageVector("JSON sent as HTML", "{\"html\": \"<html></head>\"}", .fragment),
        PageVector("a partial", "<li class=\"x\">A</li>\n<li>B</li>", .fragment),
        PageVector("a partial with a title", "<title>A</title><div>B</div>", .fragment),
        PageVector("a partial with a comment", "<!-- begin --><tr><td>1</td></tr>", .fragment),
        PageVector("a partial of scripts", "<script>x</script><style></style><p>", .fragment),
        PageVector("text before the doctype", "Warning: x<!DOCTYPE html><head></head>", .fragment),
        PageVector("template that holds a page", "<template><html><body></template><p>", .fragment),
        PageVector("cut off in a tag", doctype + "<head><title>A</title></hea", .noPlace),
        PageVector("cut off in a name", doctype + "<head><di", .noPlace),
        PageVector("cut off before a name", doctype + "<head><", .noPlace),
        PageVector("cut off before an end tag's name", doctype + "<head></", .noPlace),
        PageVector("cut off in an attribute", doctype + "<head><meta a=\"</head><body>", .noPlace),
        PageVector("cut off in a comment", doctype + "<head><!-- </head><body>", .noPlace),
        PageVector("unclosed title", doctype + "<head><title>A</head><body><p>x</p>", .noPlace),
        PageVector("unclosed script", doctype + "<head><script>x</head><body>", .noPlace),
        PageVector("unclosed template", doctype + "<head><template></head><body>", .noPlace),
        PageVector("UTF-16, little end first", "\u{ff}\u{fe}<\0!\0d\0", .charset),
        PageVector("UTF-16, big end first", "\u{fe}\u{ff}\0<\0!\0d", .charset),
        PageVector("UTF-16 without a mark", "<\0h\0t\0m\0l\0>\0", .fragment),
        PageVector("half a byte order mark", "\u{ef}\u{bb}<!doctype html><head></head>", .fragment),
        PageVector(
            "ISO-2022-JP", doctype + "<head><title>\u{1b}$B</head>\u{1b}(B</title></head>", .charset
        ),
        PageVector(
            "ISO-2022-JP by a meta", doctype + "<head><meta charset=\"iso-2022-jp\"></head>",
            .charset),
        PageVector(
            "UTF-7 by a meta",
            doctype
                + "<head><meta http-equiv=Content-Type content=\"text/html; charset=utf-7\"></head>",
            .charset),
        PageVector(
            "a tag of ours", doctype + "<head><script data-presence src=x></script></head>",
            .already),
        PageVector(
            "its address", doctype + "<head><script src=/_presence/client.js?v=1></script></head>",
            .already),
        PageVector(
            "its whole address",
            doctype
                + "<head><SCRIPT SRC='https://a.example&#x2F;_presence/client.js' ></SCRIPT></head>",
            .already),
        PageVector("base elsewhere", doctype + "<base href=\"https://cdn.example/\"><p>", .unclear),
        PageVector(
            "base elsewhere without a scheme", doctype + "<base href=' //cdn.example/'><p>",
            .unclear),
        PageVector("base with odd slashes", doctype + "<base href='/\\cdn.example/'><p>", .unclear),
        PageVector(
            "svg in a template", doctype + "<head><template><svg><style></template></head>",
            .unclear),
    ]

    private static let nonced = "<meta http-equiv=\"Content-Security-Policy\" content=\""

    private static let policies: [PageVector] = [
        PageVector(
            "policy with self", doctype + "<head>@@</head>",
            fields: ["default-src 'self'; img-src *"]),
        PageVector(
            "policy with a nonce", doctype + "<head>@@</head>",
            fields: ["script-src 'nonce-r4nd0m+/=' 'strict-dynamic' https:; object-src 'none'"],
            nonce: "r4nd0m+/="),
        PageVector(
            "policy without room", doctype + "<head></head>", .policy,
            fields: ["script-src https://cdn.example"]),
        PageVector(
            "policy of a meta", doctype + "<head>" + nonced + "script-src 'nonce-abc'\">@@</head>",
            nonce: "abc"),
        PageVector(
            "policy of a meta, escaped",
            doctype + "<head>" + nonced
                + "script-src &#39;nonce-abc&#x27;; connect-src &apos;self&apos;\">@@</head>",
            nonce: "abc"),
        PageVector(
            "meta with its attributes turned round",
            doctype
                + "<head><meta content=\"script-src 'none'\" http-equiv=content-security-policy></head>",
            .policy),
        PageVector(
            "first attribute of two",
            doctype + "<head>" + nonced
                + "script-src 'self'\" content=\"script-src 'none'\">@@</head>"),
        PageVector(
            "policy that cannot be read",
            doctype + "<head>" + nonced + "script-src &check;\"></head>",
            .policy),
        PageVector(
            "field and meta agree",
            doctype + "<head>" + nonced + "script-src 'nonce-b'\">@@</head>",
            fields: ["script-src 'nonce-a' 'nonce-b'"], nonce: "b"),
        PageVector(
            "field and meta disagree",
            doctype + "<head>" + nonced + "script-src 'nonce-b'\"></head>",
            .policy, fields: ["script-src 'nonce-a'"]),
        PageVector(
            "policy in a template",
            doctype + "<head><template>" + nonced
                + "script-src 'none'\"></template>@@</head>"),
        PageVector(
            "policy in noscript",
            doctype + "<head><noscript>" + nonced
                + "script-src 'none'\"></noscript>@@</head>"),
        PageVector(
            "report only",
            doctype + "<head><meta http-equiv=Content-Security-Policy-Report-Only "
                + "content=\"script-src 'none'\">@@</head>"),
    ]
}
