import Testing

@testable import AuditActions

@Suite("The schema of an event's details")
struct DetailsSchemaTests {
  private static let order = """
    {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "an order", "type": "object",
     "required": ["order"], "additionalProperties": false,
     "properties": {
       "order": {"type": "integer", "minimum": 1, "maximum": 9007199254740993},
       "state": {"enum": ["open", "shipped", null]},
       "version": {"const": 2},
       "note": {"type": ["string", "null"], "minLength": 2, "maxLength": 3},
       "lines": {"type": "array", "minItems": 1, "maxItems": 2,
                 "items": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}},
       "labels": {"type": "object", "additionalProperties": {"type": "boolean"}},
       "anything": true, "never": false}}
    """

  private func schema(_ text: String = order) throws -> DetailsSchema { try DetailsSchema(JSONText(text)) }

  @Test(
    "lets pass what it describes",
    arguments: [
      #"{"order":1}"#, #"{"order":1.0}"#, #"{"order":9007199254740993}"#, #"{"order":1e3}"#,
      #"{"order":7,"state":null,"version":2.0,"note":"ab","lines":[{"sku":"x","n":1}],"labels":{"a":true},"anything":[1]}"#,
      #"{"order":7,"note":null,"state":"shipped"}"#, #"{"order":7,"note":"\u00e4\ud83d\ude00"}"#,
      #"{"\u006frder":7}"#,
    ])
  func passes(details: String) throws {
    try schema().check(JSONText(details))
  }

  @Test(
    "refuses what it does not describe, naming the place and what is expected, not the value",
    arguments: [
      ("{}", "details: the member 'order' is missing"),
      (#"{"order":"secret"}"#, "details.order: expected integer"),
      (#"{"order":1.5}"#, "details.order: expected integer"),
      (#"{"order":0}"#, "details.order: is less than the minimum"),
      (#"{"order":9007199254740994}"#, "details.order: is more than the maximum"),
      (#"{"order":1,"state":"secret"}"#, "details.state: is none of the values that are allowed"),
      (#"{"order":1,"state":[null]}"#, "details.state: is none of the values that are allowed"),
      (#"{"order":1,"version":3}"#, "details.version: is none of the values that are allowed"),
      (#"{"order":1,"note":"a"}"#, "details.note: expected at least 2 characters"),
      (#"{"order":1,"note":"abcd"}"#, "details.note: expected at most 3 characters"),
      (#"{"order":1,"note":5}"#, "details.note: expected null or string"),
      (#"{"order":1,"lines":[]}"#, "details.lines: expected at least 1 elements"),
      (#"{"order":1,"lines":[{"sku":""},{"sku":""},{"sku":""}]}"#, "details.lines: expected at most 2 elements"),
      (#"{"order":1,"lines":[{"sku":""},{}]}"#, "details.lines[1]: the member 'sku' is missing"),
      (#"{"order":1,"labels":{"a":1}}"#, "details.labels.a: expected boolean"),
      (#"{"order":1,"other":1}"#, "details.other: is not expected"),
      (#"{"order":1,"never":1}"#, "details.never: is not expected"),
      (#"{"order":1,"order":"second"}"#, "details.order: expected integer"),
    ])
  func refuses(details: String, expected: String) throws {
    let error = #expect(throws: AuditActionError.self) { try schema().check(JSONText(details)) }
    #expect(error?.code == .invalidDetails)
    #expect(error?.detail == expected)
  }

  @Test("a keyword says nothing of values of another kind")
  func otherKinds() throws {
    let schema = try schema(#"{"properties":{"x":{"minLength":5,"minimum":5,"minItems":5,"required":["y"]}}}"#)
    for value in ["true", "null"] { try schema.check(JSONText(#"{"x":\#(value)}"#)) }
    #expect(throws: AuditActionError.self) { try schema.check(JSONText(#"{"x":{}}"#)) }
  }

  @Test(
    "a schema that is not understood is an error, with its place",
    arguments: [
      (#"{"pattern":"a"}"#, "schema: the keyword 'pattern' is not known"),
      (#"{"propertys":{}}"#, "schema: the keyword 'propertys' is not known; the nearest known one is 'properties'"),
      (##"{"properties":{"a":{"$ref":"#"}}}"##, "schema.properties.a: the keyword '$ref' is not known"),
      (#"{"type":"text"}"#, "schema.type: a type is one of object, array, string, number, integer, boolean, null"),
      (#"{"type":[]}"#, "schema.type: expected a type, or a list of them"),
      (#"{"required":"a"}"#, "schema.required: expected a list of names"),
      (#"{"properties":[]}"#, "schema.properties: expected an object of schemas"),
      (#"{"items":[{}]}"#, "schema.items: a schema is an object, or true or false"),
      (#"{"enum":[]}"#, "schema.enum: expected at least one value"),
      (#"{"const":{}}"#, "schema.const: only values without parts are taken"),
      (#"{"minimum":"1"}"#, "schema.minimum: expected a number"),
      (#"{"maxLength":-1}"#, "schema.maxLength: expected a whole number from 0 on"),
      (#"{"type":"object","type":"object"}"#, "schema: 'type' is given twice"),
    ])
  func badSchemas(text: String, expected: String) {
    let error = #expect(throws: AuditActionError.self) { try schema(text) }
    #expect(error?.code == .invalidEventType)
    #expect(error?.detail == expected)
  }

  @Test("a schema is bounded in depth and size")
  func bounded() {
    let deep = String(repeating: #"{"items":"#, count: 33) + "true" + String(repeating: "}", count: 33)
    #expect(throws: AuditActionError.self) { try schema(deep) }
    let wide = #"{"properties":{"# + (0..<1_000).map { #""p\#($0)":true"# }.joined(separator: ",") + "}}"
    #expect(throws: AuditActionError.self) { try schema(wide) }
  }
}
