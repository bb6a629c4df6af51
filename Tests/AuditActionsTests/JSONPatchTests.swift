import Testing

@testable import AuditActions

/// A document read from text.
private func tree(_ text: String) throws -> JSONTree {
  var text = text
  return try text.withUTF8 { try JSONTree(UnsafeRawBufferPointer($0)) }
}

private func patch(_ text: String, prefix: String? = nil) throws -> JSONPatch {
  var text = text
  return try text.withUTF8 { try JSONPatch(UnsafeRawBufferPointer($0), prefix: prefix) }
}

private func patched(_ document: String, _ operations: String) throws -> JSONTree {
  try patch(operations).apply(to: try tree(document), bytesMax: 65_536)
}

private func refusal(_ body: () throws -> Void) -> AuditActionError? {
  do {
    try body()
    return nil
  } catch { return error as? AuditActionError }
}

@Suite("JSON Patch")
struct JSONPatchTests {
  /// RFC 6902, appendix A: document, patch, result. The names are the RFC's.
  static let examples: [(name: String, document: String, patch: String, result: String)] = [
    (
      "A.1 adding an object member", #"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux"}]"#,
      #"{"baz":"qux","foo":"bar"}"#
    ),
    (
      "A.2 adding an array element", #"{"foo":["bar","baz"]}"#, #"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
      #"{"foo":["bar","qux","baz"]}"#
    ),
    (
      "A.3 removing an object member", #"{"baz":"qux","foo":"bar"}"#, #"[{"op":"remove","path":"/baz"}]"#,
      #"{"foo":"bar"}"#
    ),
    (
      "A.4 removing an array element", #"{"foo":["bar","qux","baz"]}"#, #"[{"op":"remove","path":"/foo/1"}]"#,
      #"{"foo":["bar","baz"]}"#
    ),
    (
      "A.5 replacing a value", #"{"baz":"qux","foo":"bar"}"#, #"[{"op":"replace","path":"/baz","value":"boo"}]"#,
      #"{"baz":"boo","foo":"bar"}"#
    ),
    (
      "A.6 moving a value", #"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
      #"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
      #"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#
    ),
    (
      "A.7 moving an array element", #"{"foo":["all","grass","cows","eat"]}"#,
      #"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#, #"{"foo":["all","cows","eat","grass"]}"#
    ),
    (
      "A.8 testing a value: success", #"{"baz":"qux","foo":["a",2,"c"]}"#,
      #"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]"#,
      #"{"baz":"qux","foo":["a",2,"c"]}"#
    ),
    (
      "A.10 adding a nested member object", #"{"foo":"bar"}"#,
      #"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#, #"{"foo":"bar","child":{"grandchild":{}}}"#
    ),
    (
      "A.11 ignoring unrecognized elements", #"{"foo":"bar"}"#,
      #"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#, #"{"foo":"bar","baz":"qux"}"#
    ),
    (
      "A.14 ~ escape ordering", #"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":10}]"#,
      #"{"/":9,"~1":10}"#
    ),
    (
      "A.16 adding an array value", #"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
      #"{"foo":["bar",["abc","def"]]}"#
    ),
  ]

  @Test("the RFC's examples come out as it says", arguments: examples)
  func example(_ example: (name: String, document: String, patch: String, result: String)) throws {
    #expect(try patched(example.document, example.patch).isSame(as: try tree(example.result)), "\(example.name)")
  }

  @Test(
    "the RFC's examples of failures are conflicts that say which operation it was",
    arguments: [
      // A.9, A.12, A.15
      (#"{"baz":"qux"}"#, #"[{"op":"test","path":"/baz","value":"bar"}]"#),
      (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz/bat","value":"qux"}]"#),
      (#"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":"10"}]"#),
    ])
  func exampleOfFailure(_ document: String, _ operations: String) {
    let error = refusal { _ = try patched(document, operations) }
    #expect(error?.code == .patchConflict)
    #expect(error?.parameter == "/0")
  }

  @Test("an operation with two members op is no JSON patch (A.13)")
  func doubled() {
    let error = refusal { _ = try patch(#"[{"op":"add","path":"/baz","value":"qux","op":"remove"}]"#) }
    #expect(error?.code == .invalidJSON)
    #expect(error?.parameter == "/0/op")
  }

  @Test(
    "what cannot be done is a conflict and changes nothing",
    arguments: [
      #"[{"op":"remove","path":"/nothing"}]"#, #"[{"op":"remove","path":""}]"#,
      #"[{"op":"replace","path":"/a/9","value":1}]"#, #"[{"op":"add","path":"/a/4","value":1}]"#,
      #"[{"op":"add","path":"/a/01","value":1}]"#, #"[{"op":"add","path":"/a/x","value":1}]"#,
      #"[{"op":"copy","from":"/nothing","path":"/b"}]"#, #"[{"op":"move","from":"/a","path":"/a/0"}]"#,
      #"[{"op":"move","from":"/a/-","path":"/b"}]"#, #"[{"op":"add","path":"/n/x","value":1}]"#,
      #"[{"op":"test","path":"/a","value":[1,2]}]"#, #"[{"op":"add","path":"/a/99999999999999999999","value":1}]"#,
    ])
  func conflicts(_ operations: String) throws {
    let document = #"{"a":[1,2,3],"n":null}"#
    let error = refusal { _ = try patched(document, operations) }
    #expect(error?.code == .patchConflict)
  }

  @Test(
    "a patch that is none names the member at fault",
    arguments: [
      (#"{"op":"add"}"#, nil), (#"[1]"#, "/0"), (#"[{"path":"/a"}]"#, "/0/op"),
      (#"[{"op":"ad","path":"/a"}]"#, "/0/op"),
      (#"[{"op":"add","value":1}]"#, "/0/path"), (#"[{"op":"add","path":"a","value":1}]"#, "/0/path"),
      (#"[{"op":"add","path":"/a~2","value":1}]"#, "/0/path"), (#"[{"op":"add","path":"/a"}]"#, "/0/value"),
      (#"[{"op":"move","path":"/a"}]"#, "/0/from"), (#"[{"op":"test","path":"/a"}]"#, "/0/value"),
      ("[", nil), ("", nil),
    ])
  func malformed(_ text: String, _ parameter: String?) {
    let error = refusal { _ = try patch(text) }
    #expect(error?.code == .invalidJSON)
    #expect(error?.parameter == parameter)
  }

  @Test("a mistyped op is told the nearest one")
  func nearest() {
    #expect(
      refusal { _ = try patch(#"[{"op":"replce","path":"/a","value":1}]"#) }?.detail.contains("'replace'") == true)
  }

  @Test(
    "numbers are compared by value, strings by characters, objects without order",
    arguments: [
      ("1", "1.0", true), ("1", "10e-1", true), ("100", "1E2", true), ("0", "-0.0e7", true), ("1", "2", false),
      ("0.1", "0.10", true), ("9007199254740993", "9007199254740992", false), ("1e99999999999999999999", "1", false),
      (#""é""#, #""\u00e9""#, true), (#"{"a":1,"b":2}"#, #"{"b":2.0,"a":1}"#, true), (#"{"a":1}"#, #"{"b":1}"#, false),
      ("[1,2]", "[2,1]", false), ("null", "false", false), ("true", "true", true), (#""1""#, "1", false),
    ])
  func equality(_ left: String, _ right: String, _ isSame: Bool) throws {
    #expect(try tree(left).isSame(as: try tree(right)) == isSame)
    #expect(try tree(right).isSame(as: try tree(left)) == isSame)
  }

  @Test("copies of copies end at the limit, not at the end of memory")
  func growth() throws {
    let double = #"{"op":"copy","from":"","path":"/x"}"#
    let operations = "[" + Array(repeating: double, count: 100).joined(separator: ",") + "]"
    let error = refusal { _ = try patched(#"{"a":"0123456789"}"#, operations) }
    #expect(error?.code == .tooLarge || error?.code == .tooDeep)
  }

  @Test("names that only look the same are two")
  func lookalikes() throws {
    let document = try tree("{\"\u{E9}\":1,\"e\u{301}\":2}")
    #expect(document["e\u{301}"]?.integer == 2)
    #expect(!(try tree("\"\u{E9}\"").isSame(as: try tree("\"e\u{301}\""))))
    var merged = document
    merged.merge(try tree("{\"e\u{301}\":null}"))
    #expect(merged.isSame(as: try tree("{\"\u{E9}\":1}")))
  }

  @Test("more operations than allowed are refused")
  func tooMany() {
    let one = #"{"op":"test","path":"","value":{}}"#
    let operations = "[" + Array(repeating: one, count: JSONPatch.operationsMax + 1).joined(separator: ",") + "]"
    #expect(refusal { _ = try patch(operations) }?.code == .invalidJSON)
  }

  @Test("a prefix is taken off, and nothing outside it can be changed")
  func prefix() throws {
    let inside = try patch(#"[{"op":"add","path":"/metadata/a","value":1}]"#, prefix: "metadata")
    #expect(try inside.apply(to: try tree("{}"), bytesMax: 100).isSame(as: try tree(#"{"a":1}"#)))
    let outside = refusal { _ = try patch(#"[{"op":"add","path":"/a","value":1}]"#, prefix: "metadata") }
    #expect(outside?.parameter == "/0/path")
  }

  @Test("what a patch does not touch keeps its bytes")
  func bytes() throws {
    let result = try patched(#"{ "n": 1.50, "s": "\u00e9", "a": [1,  2] }"#, #"[{"op":"add","path":"/b","value":1e3}]"#)
    #expect(String(decoding: result.bytes, as: UTF8.self) == #"{"n":1.50,"s":"\u00e9","a":[1,2],"b":1e3}"#)
  }
}

@Suite("JSON Merge Patch")
struct JSONMergePatchTests {
  @Test(
    "the RFC's examples come out as it says",
    arguments: [
      // RFC 7396, appendix A: original, patch, result.
      (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
      (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
      (#"{"a":"b"}"#, #"{"a":null}"#, "{}"),
      (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
      (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
      (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
      (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
      (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
      (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
      (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#),
      (#"{"a":"foo"}"#, "null", "null"),
      (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
      (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
      ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
      ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ])
  func examples(_ original: String, _ patch: String, _ result: String) throws {
    var document = try tree(original)
    document.merge(try tree(patch))
    #expect(String(decoding: document.bytes, as: UTF8.self) == result)
  }
}

@Suite("JSON pointers")
struct JSONPointerTests {
  @Test("are read and written as RFC 6901 has them", arguments: ["", "/", "/a", "/a~1b/c~0d/0", "/~01", "//x"])
  func roundTrip(_ text: String) throws {
    #expect(try JSONPointer(text).text == text)
  }

  @Test("~01 is ~1, not a slash")
  func order() throws {
    #expect(try JSONPointer("/~01").tokens == ["~1"])
  }
}
