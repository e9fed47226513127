// Owns the tests of surveys: what they take for JSON, and where they find items and values.
// Called by XCTest.
// Never splices anything: that is the enricher's.

import ProxyCore
import Support
import XCTest

final class JSONSurveyTests: XCTestCase {
    private func plan(
        _ items: String?, _ values: [String] = ["$.id"], names: [String] = []
    ) throws -> JSONSurveyPlan {
        JSONSurveyPlan(
            items: try items.map { try JSONPath($0) },
            values: try values.map { try JSONPath($0) }, names: names)
    }

    private func fault(_ bytes: RawSpan, _ plan: JSONSurveyPlan) -> JSONSurvey.Fault? {
        var survey = JSONSurvey()
        do throws(JSONSurvey.Fault) {
            try survey.read(bytes, plan)
            return nil
        } catch {
            return error
        }
    }

    /// Each item as its values and the bits of its names: `42,-;1`. `-`: no such value.
    private func found(_ text: String, _ plan: JSONSurveyPlan) -> [String]? {
        let bytes = Array(text.utf8)
        var survey = JSONSurvey()
        guard (try? survey.read(bytes.rawSpan, plan)) != nil else { return nil }
        return survey.items.indices.map { item in
            let values = (0..<plan.valueCount).map { number in
                let range = survey.place(item, number).range
                return range.isEmpty ? "-" : String(decoding: bytes[range], as: UTF8.self)
            }
            let names = survey.items[item].names
            return values.joined(separator: ",") + (names == 0 ? "" : ";\(names)")
        }
    }

    /// Values of an array are none of an item, not even where a plan leads into it.
    func testArraysWhereItemsAreExpected() throws {
        for items in ["$.rows[*]", nil] {
            for value in ["$[0]", "$[0].id", "$.id"] {
                let plan = try plan(items, [value, "$.by"])
                let rows = #"[["u1","Ann"],[{"id":1}],{"id":2,"by":3},["u2"],[[]]]"#
                let text = items == nil ? rows : #"{"rows":\#(rows)}"#
                XCTAssertEqual(found(text, plan), [value == "$.id" ? "2,3" : "-,3"], value)
            }
        }
        XCTAssertEqual(found(#"[["u1"]]"#, try plan("$", ["$[0]"])), [])
    }

    // MARK: What is JSON

    /// Plans that walk and one that skims nearly all of it.
    private func plans() throws -> [JSONSurveyPlan] {
        [try plan("$.nowhere"), try plan(nil), try plan("$.*"), try plan("$[*][*]")]
    }

    func testAcceptsWhatIsJSON() throws {
        let guardPage = GuardPage(capacity: 4096)
        for plan in try plans() {
            for text in JSONVectors.accepted + JSONVectors.acceptedScalars {
                XCTAssertNil(fault(text.rawSpan, plan), text)
                guardPage.with(Array(text.utf8)) { XCTAssertNil(fault($0, plan), text) }
            }
        }
    }

    func testRefusesWhatIsNotAndEveryTruncation() throws {
        let guardPage = GuardPage(capacity: 4096)
        // What a reader must decide, and whoever passes it on need not.
        let leftAlone: Set<String> = [
            "\u{FEFF}{}", "{\"a\":\"b\",\"a\":\"c\"}", "{\"a\":1,\"\\u0061\":1}",
            "{\"\":0,\"\":0}", "[\"\\uDADA\"]", "[\"\\uD888\\u1234\"]", "[\"\\uD800\\n\"]",
            "[\"\\uDd1ea\"]", "[\"\\uD800\\uD800\\n\"]", "[\"\\ud800\"]", "[\"\\ud800abc\"]",
            "[\"\\uDd1e\\uD834\"]", "[\"\\uDFAA\"]",
        ]
        var left = 0
        for plan in try plans() {
            for text in JSONVectors.refused {
                let expected: JSONSurvey.Fault? = leftAlone.contains(text) ? nil : .notJSON
                if expected == nil { left += 1 }
                XCTAssertEqual(fault(text.rawSpan, plan), expected, text)
                for count in 0..<text.utf8.count {
                    guardPage.with(Array(text.utf8), count: count) { _ = fault($0, plan) }
                }
            }
            for text in JSONVectors.accepted {
                for count in 0..<text.utf8.count {
                    guardPage.with(Array(text.utf8), count: count) {
                        XCTAssertEqual(fault($0, plan), .notJSON, "\(text) cut to \(count)")
                    }
                }
            }
            for (bad, _) in JSONVectors.notUTF8 {
                for lead in ["", "a long run of plain text before it, "] {
                    let bytes = Array("[\"\(lead)".utf8) + bad + Array("\"]".utf8)
                    XCTAssertEqual(fault(bytes.rawSpan, plan), .notJSON, "\(bad)")
                }
            }
        }
        XCTAssertEqual(left, leftAlone.count * 4)
    }

    /// Every byte of a rich text, each changed into every other: the same verdict as the reader's,
    /// which is another program.
    func testAgreesWithTheReaderOnEveryBrokenByte() throws {
        let bytes = Array(
            "{\"a\":[1,-2.5e+3,\"x\\u00e9\\n\u{e9}\",true,null,{\"b\":{}}],\"0123456789abcdef\\\"\":0}"
                .utf8)
        let plans = try plans()
        for index in bytes.indices {
            for value in UInt8.min...UInt8.max {
                var broken = bytes
                broken[index] = value
                let isJSON = isJSON(broken)
                for plan in plans {
                    XCTAssertEqual(
                        fault(broken.rawSpan, plan) == nil, isJSON,
                        "byte \(index) as \(value)")
                }
            }
        }
    }

    /// The same for the second of two items, of which nearly all stood in the first already: what
    /// differs in a byte is no known text, whether it is JSON then or another name.
    func testAgreesWithTheReaderOnItemsThatDifferInAByte() throws {
        let item =
            "{\"id\":7,\n \"a name of some length\":\"x\", \"who\":{\"id\":8},\"l\":[{\"id\":9}]}"
        let before = "{\"rows\":[\(item),"
        let bytes = Array("\(before)\(item),\(item)]}".utf8)
        let second = before.utf8.count..<before.utf8.count + item.utf8.count
        let plan = try plan("$.rows[*]", ["$.id", "$.who.id", "$.l[0].id"], names: ["who", "l"])
        var different = 0
        for index in second {
            for value in UInt8.min...UInt8.max {
                var broken = bytes
                broken[index] = value
                let text = String(decoding: broken, as: UTF8.self)
                guard isJSON(broken) else {
                    XCTAssertEqual(fault(broken.rawSpan, plan), .notJSON, text)
                    continue
                }
                let expected = try ["7,8,9;3", told(of: broken, 1), "7,8,9;3"]
                XCTAssertEqual(found(text, plan), expected, text)
                if expected[1] != expected[0] { different += 1 }
            }
        }
        XCTAssertGreaterThan(different, 500)
    }

    /// What the reader finds in an item of `rows`.
    private func told(of document: [UInt8], _ item: Int) throws -> String {
        let root = try JSONReader.read(document.rawSpan, duplicates: .kept)
        let item = try XCTUnwrap(JSONPath("$.rows[*]").all(in: root).dropFirst(item).first)
        let values = try ["$.id", "$.who.id", "$.l[0].id"].map { path -> String in
            guard let value = try JSONPath(path).first(in: item) else { return "-" }
            return value.integer.map { "\($0)" } ?? value.string.map { "\"\($0)\"" } ?? "-"
        }
        let names = try ["$.who", "$.l"].enumerated().reduce(0) { bits, name in
            try bits | (JSONPath(name.element).first(in: item) == nil ? 0 : 1 << name.offset)
        }
        return values.joined(separator: ",") + (names == 0 ? "" : ";\(names)")
    }

    private func isJSON(_ bytes: [UInt8]) -> Bool {
        do throws(JSONError) {
            _ = try JSONReader.read(bytes.rawSpan, duplicates: .kept)
            return true
        } catch {
            return error.reason == "a surrogate escape stands without its other half"
        }
    }

    func testDepthIsBoundedWithoutRecursion() throws {
        let limit = Limits.jsonSkimDepth
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let levels = open.count > 5 ? 2 : 1
            func nested(_ count: Int) -> String {
                open.repeated(count / levels) + "1" + close.repeated(count / levels)
            }
            for plan in try plans() {
                XCTAssertNil(fault(nested(limit).rawSpan, plan))
                XCTAssertEqual(fault(nested(limit + levels).rawSpan, plan), .notJSON)
                XCTAssertEqual(fault(open.repeated(1_000_000).rawSpan, plan), .notJSON)
            }
        }
    }

    // MARK: What is found

    func testPaths() throws {
        let page = "{\"count\":2,\"results\":[{\"id\":1},{\"id\":\"b\"},7,null,[],{\"id\":{}}]}"
        XCTAssertEqual(found(page, try plan("$.results[*]")), ["1", "\"b\"", "-"])
        XCTAssertEqual(found(page, try plan("$.results[1]")), ["\"b\""])
        XCTAssertEqual(found(page, try plan("$['results'][*]")), ["1", "\"b\"", "-"])
        XCTAssertEqual(found(page, try plan("$.results")), [])
        XCTAssertEqual(found(page, try plan("$.other[*]")), [])
        XCTAssertEqual(found(page, try plan("$[*]")), [])
        XCTAssertEqual(found(page, try plan("$")), ["-"])
        XCTAssertEqual(found(page, try plan(nil, ["$.count"])), ["2"])
        XCTAssertEqual(found("[{\"id\":1},{\"id\":2}]", try plan(nil)), ["1", "2"])
        XCTAssertEqual(found("{\"id\":1}", try plan(nil)), ["1"])
        XCTAssertEqual(
            found("{\"a\":{\"id\":1},\"b\":{\"id\":2}}", try plan("$.*")), ["1", "2"])
        XCTAssertEqual(
            found(
                "{\"groups\":[{\"members\":[{\"id\":1}]},{\"members\":[]},{\"members\":[{\"id\":2}]}]}",
                try plan("$.groups[*].members[*]")), ["1", "2"])
        XCTAssertEqual(
            found("\u{FEFF} {\"data\":{\"user\":{\"id\":5}}} \n", try plan("$.data.user")), ["5"])
        XCTAssertEqual(found("7", try plan(nil)), [])
    }

    func testValues() throws {
        let values = ["$.id", "$.user.id", "$.user", "$.all[1].id", "$['odd name']"]
        XCTAssertEqual(
            found(
                "[{\"user\":{\"id\":3,\"x\":[{\"id\":9}]},\"all\":[{\"id\":1},{\"id\":2}],"
                    + "\"odd name\":\"o\",\"id\":-7}]",
                try plan("$[*]", values)), ["-7,3,-,2,\"o\""])
        XCTAssertEqual(
            found("[{\"user\":5,\"all\":7,\"id\":null}]", try plan("$[*]", values)),
            ["-,-,5,-,-"])
        XCTAssertEqual(
            found("[{\"id\":true},{\"id\":1.5e3},{\"id\":\"\"}]", try plan("$[*]")),
            ["-", "1.5e3", "\"\""])
    }

    func testAValueThatStandsTwiceIsNone() throws {
        let plan = try plan("$[*]", ["$.id", "$.user.id"], names: ["name", "x"])
        XCTAssertEqual(
            found(
                "[{\"id\":1,\"id\":2},{\"id\":1,\"id\":1,\"id\":1},{\"id\":null,\"id\":1},"
                    + "{\"id\":1,\"\\u0069\\u0064\":2},{\"user\":{\"id\":1},\"user\":{\"id\":2}}]",
                plan), ["-,-", "-,-", "-,-", "-,-", "-,-"])
        XCTAssertEqual(
            found("[{\"x\":1,\"x\":2,\"name\":null,\"id\":1},{\"x\":{\"name\":1}}]", plan),
            ["1,-;3", "-,-;2"])
    }

    func testNamesAreComparedAsBytesAndBehindEscapes() throws {
        let plan = try plan("$[*]", ["$['é\"']"], names: ["a"])
        XCTAssertEqual(found("[{\"\u{e9}\\\"\":1}]", plan), ["1"])
        XCTAssertEqual(found("[{\"\\u00E9\\u0022\":1,\"\\u0061\":2}]", plan), ["1;1"])
        XCTAssertEqual(found("[{\"e\u{301}\\\"\":1}]", plan), ["-"])
        XCTAssertEqual(found("[{\"\\ud800\":1}]", plan), ["-"])
    }

    func testItemsWithoutMembersAreNobody() throws {
        XCTAssertEqual(found("[{},{ },{\"a\":1}]", try plan("$[*]")), ["-"])
    }

    func testWhatWasMetTellsAnEmptyListFromAnotherShape() throws {
        func reach(_ text: String, _ items: String?) throws -> JSONSurvey.Reach {
            var survey = JSONSurvey()
            try survey.read(text.rawSpan, try plan(items))
            return survey.reach
        }
        XCTAssertEqual(try reach("{\"results\":[]}", "$.results[*]"), .container)
        XCTAssertEqual(try reach("{\"results\":[1]}", "$.results[*]"), .values)
        XCTAssertEqual(try reach("{\"results\":7}", "$.results[*]"), .nowhere)
        XCTAssertEqual(try reach("{\"results\":[{}],\"results\":[]}", "$.results[*]"), .values)
        XCTAssertEqual(try reach("{}", "$.*"), .container)
        XCTAssertEqual(try reach("[]", nil), .container)
        XCTAssertEqual(try reach("7", nil), .values)
    }

    func testItemsAreBounded() throws {
        let plan = try plan("$[*]")
        func list(_ count: Int) -> String {
            "[" + Array(repeating: "{\"id\":1}", count: count).joined(separator: ",") + "]"
        }
        XCTAssertEqual(found(list(Limits.surveyItems), plan)?.count, Limits.surveyItems)
        XCTAssertEqual(fault(list(Limits.surveyItems + 1).rawSpan, plan), .tooManyItems)
    }

    /// One survey is used for document after document.
    func testNothingIsLeftOfTheDocumentBefore() throws {
        let plan = try plan("$[*]")
        var survey = JSONSurvey()
        XCTAssertThrowsError(try survey.read("[{\"id\":1},{\"id\":2},".rawSpan, plan))
        try survey.read("[{\"id\":3}]".rawSpan, plan)
        XCTAssertEqual(survey.items.count, 1)
        XCTAssertEqual(survey.place(0, 0).range, 7..<8)
        XCTAssertEqual(survey.items[0].end, 8)
        survey.shrink(to: 0)
        try survey.read("[]".rawSpan, plan)
        XCTAssertEqual(survey.items.count, 0)
    }
}
