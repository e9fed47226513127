// Owns the proof that each rule finds what it is there for.
// Called by XCTest.
// Never looks at the repository: each text is written here.

import XCTest

final class RuleTests: XCTestCase {
    private func file(_ text: String, at path: String = "Sources/ProxyCore/HTTP/A.swift")
        -> TreeFile
    {
        TreeFile(path: path, text: text)
    }

    // MARK: Text

    func testCommentsAndStringsAreNoCode() {
        let text = SwiftText(
            #"""
            let a = "try! \(unsafe f("as!")) \\" // fatalError()
            /* try! /* as! */ import Foundation */ let b = #"unsafe " \(x) "#
            let c = """
                import Foundation "quoted"
                """
            """#)
        XCTAssertEqual(text.lines.count, 5)
        XCTAssertEqual(text.code.count, 5)
        XCTAssertEqual(
            text.words().map(\.word), ["let", "a", "unsafe", "f", "let", "b", "let", "c"])
    }

    // MARK: Pages

    func testLongFilesAreFound() {
        let lines = Array(repeating: "let a = 1", count: Pages.longestFile)
        XCTAssertEqual(Pages.length(file(lines.joined(separator: "\n") + "\n")), [])
        XCTAssertEqual(Pages.length(file((lines + ["//"]).joined(separator: "\n"))).count, 1)
    }

    func testOpeningLinesAreWanted() {
        let good = "// Owns a.\n// Called by b.\n// Never c.\n\nstruct A {}\n"
        XCTAssertEqual(Pages.opening(file(good)), [])
        XCTAssertEqual(Pages.opening(file("import B\n" + good)).count, 1)
        XCTAssertEqual(Pages.opening(file("// Owns a.\n// Never c.\n")).count, 1)
        let swapped = "// Owns a.\n// Never c.\n// Called by b.\n"
        XCTAssertEqual(Pages.opening(file(swapped)).map(\.line), [2, 3])
    }

    func testBodiesAreMeasured() {
        let text = SwiftText(
            """
            protocol P {
                func a(_ x: Int)
                func b()
            }
            struct A {
                init(
                    _ x: Int, then: () -> Void = {}
                ) {
                    self.init()
                }
                func c() { d { "}" } }
                func d(_ f: () -> Void) {
                    let g = {
                        f()
                    }
                    g()
                }
            }
            """)
        let found = Pages.bodies(text).map { "\($0.name) \($0.line) \($0.length)" }
        XCTAssertEqual(found, ["init 6 5", "c 11 1", "d 12 6"])
    }

    func testLongFunctionsAreFound() {
        let body = Array(repeating: "    a()", count: Pages.longestFunction - 2)
        let fits = (["func f() {"] + body + ["}"]).joined(separator: "\n")
        XCTAssertEqual(Pages.functions(file(fits)), [])
        let long = (["func f() {", "    b()"] + body + ["}"]).joined(separator: "\n")
        XCTAssertEqual(Pages.functions(file(long)).map(\.line), [1])
    }

    // MARK: Arrows

    func testImportsAgainstTheArrowsAreFound() {
        let text = "public import Presence\nimport struct ProxyCore.Clock\nimport StatusAPI\n"
        let found = Arrows.targets(file(text, at: "Sources/Presence/A.swift"))
        XCTAssertEqual(found.map(\.line), [1, 3])
        let library = file("internal import COpenSSL\n", at: "Sources/ProxyCore/Token/Key.swift")
        XCTAssertEqual(Arrows.targets(library).count, 1)
        let wrapper = file("import COpenSSL\n", at: "Sources/ProxyCore/Crypto/KeyedMAC.swift")
        XCTAssertEqual(Arrows.targets(wrapper), [])
    }

    func testMentionsOfLowerRoomsAreFound() {
        let proxy = file(
            """
            public struct Exchange { enum Kind { case one } }
            func route() {}
            extension Array { func exchanged() {} }
            private struct Hidden {}
            """, at: "Sources/ProxyCore/Proxy/Exchange.swift")
        let loop = file(
            "struct Wheel { var exchange: Exchange }\n", at: "Sources/ProxyCore/Loop/Wheel.swift")
        let http = file(
            """
            struct Hidden {}
            let a = [1].exchanged() // Exchange
            let b = route()
            let c = "Exchange"
            let d: Hidden
            """, at: "Sources/ProxyCore/HTTP/Head.swift")
        XCTAssertEqual(
            Arrows.rooms([proxy, loop, http]).map(\.description),
            [
                "Sources/ProxyCore/Loop/Wheel.swift:1: Loop mentions Exchange of Proxy",
                "Sources/ProxyCore/HTTP/Head.swift:2: HTTP mentions exchanged of Proxy",
                "Sources/ProxyCore/HTTP/Head.swift:3: HTTP mentions route of Proxy",
            ])
        let nowhere = file("struct A {}", at: "Sources/ProxyCore/Cellar/A.swift")
        XCTAssertEqual(Arrows.rooms([nowhere]).count, 1)
    }

    // MARK: Words

    func testUnsafeIsFoundOutsideItsWrappers() {
        let text = "let a = unsafe b\nlet unsafely = 1 // unsafe\n"
        XCTAssertEqual(Words.unsafe(file(text)).map(\.line), [1])
        XCTAssertEqual(Words.unsafe(file(text, at: "Sources/ProxyCore/Bytes/A.swift")), [])
    }

    func testForcingIsFound() {
        let text =
            "try! a()\nb as! C\nfatalError()\nfatalError(\"why\")\nretry!.x\nhas!\ntry? d()\n"
        XCTAssertEqual(Words.bluntness(file(text)).map(\.line), [1, 2, 3])
    }

    func testFoundationIsFound() {
        let text = "import FoundationEssentials\nimport Foundation\n// import Foundation\n"
        XCTAssertEqual(Words.foundation(file(text)).map(\.line), [2])
    }

    func testEmptyNamesAreFound() {
        let text = "struct PoolManager {}\nenum Helper {}\nlet manager = 1\nstruct Managers {}\n"
        XCTAssertEqual(Words.emptyNames(file(text)).count, 2)
    }

    func testLeftoversAreFound() {
        let text = Words.notes.map { "// \($0): a" }.joined(separator: "\n")
        XCTAssertEqual(Words.leftovers(file(text)).count, Words.notes.count)
        XCTAssertEqual(Words.leftovers(file("\\uXXXX, ATODO_\n")), [])
        XCTAssertEqual(Words.leftovers(file("see \(Words.paths[0])a\n")).count, 1)
    }
}
