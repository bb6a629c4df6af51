/// Well-formed inputs to begin with.
enum Samples {
  /// Bodies that keep the contract, out of every construct it allows.
  static let bodies: [[UInt8]] = [
    #"{"event":"MessageDeleted","details":{"message_id":"51db6f78c508f17ddc924357"}}"#,
    #"{"event":"a"}"#,
    #" { "details" : { "n" : -1.50e+3 , "é\u00e9" : [ true , false , null , [ ] , { } ] } , "event" : "Zuž\u017e😀" } "#,
    #"{"\u0065vent":"C\u006caim\/Expired","details":{"a":{"b":{"c":[1,2,[3,[4,[5]]]]}}},"user":{"username":"SYSTEM"}}"#,
    #"{"event":"s3 PutObject","details":{"ids":["\ud83d\ude00","\ud800"],"t":"2026-11-21T04:44:00.123456789Z"}}"#,
    #"{"a":0,"b":0.0,"c":1E0,"d":"\b\f\n\r\t\"\\","event":"x","events":"y","Event":"z"}"#,
    "{\"event\":\"deep\",\"details\":" + String(repeating: "[", count: 63) + String(repeating: "]", count: 63) + "}",
    "{\"event\":\"" + String(repeating: "e", count: 256) + "\"}",
    "{\"event\":\"long\",\"pad\":\"" + String(repeating: "žluť 漢字 plain ", count: 60) + "\"}",
  ].map { Array($0.utf8) }

  static let jsonWords = [
    "\"event\":", "\"event\":\"E\"", "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83d", "\\udc00", "\\u0000",
    "true",
    "false", "null", "-", "0", "1e5", ".5", "\\\"", "\u{FEFF}", "é", "😀", " ", "\t", "\r\n", "\"body\":", "\"ttl\":300",
    "\"messages\":[", "\"delay\":0", "}}", "]]", "[[[[[[[[", "{\"a\":{\"a\":{\"a\":",
  ]
  static let brokenText: [[UInt8]] = [
    [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0xFF, 0xFE], [0x80], [0xF0, 0x9F],
  ]

  static let queue = "p/q"
}
