import NIOHTTP1
import Testing

@testable import ObjectStores

@Suite("Text forms of time")
struct WallTimeTests {
  @Test(
    "a moment has its forms",
    arguments: [
      (0, "19700101T000000Z", "1970-01-01T00:00:00Z"), (951_782_400, "20000229T000000Z", "2000-02-29T00:00:00Z"),
      (1_795_236_240, "20261121T044400Z", "2026-11-21T04:44:00Z"), (-1, "19691231T235959Z", "1969-12-31T23:59:59Z"),
      (253_402_300_799, "99991231T235959Z", "9999-12-31T23:59:59Z"),
    ])
  func forms(_ seconds: Int64, _ basic: String, _ extended: String) {
    #expect(WallTime(seconds: seconds).basicText == basic)
    #expect(WallTime(seconds: seconds).extendedText == extended)
    #expect(WallTime(extended: extended) == WallTime(seconds: seconds))
  }

  @Test("of servers, the forms in use are read")
  func reading() {
    #expect(WallTime(httpDate: "Sun, 06 Nov 1994 08:49:37 GMT") == WallTime(seconds: 784_111_777))
    #expect(WallTime(extended: "1994-11-06T08:49:37.123456Z") == WallTime(seconds: 784_111_777))
    #expect(WallTime(extended: "1994-11-06T08:49:37") == WallTime(seconds: 784_111_777))
    #expect(WallTime(extended: "1994-11-06T08:49:37+00:00") == WallTime(seconds: 784_111_777))
  }

  @Test(
    "what is none is not read, and nothing traps",
    arguments: [
      "", "T", "-", "1994-13-06T08:49:37Z", "1994-11-06T25:49:37Z", "1994-11-06", "Sun, 06 Nov 1994 08:49:37 CET",
      "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "99999999999999999999-01-01T00:00:00Z",
      "1-1-1T1:1:1",
      "1994-11-06T08:49:37.xZ", "1994-11-06T08:49:37+02:00",
    ])
  func noTime(_ text: String) {
    #expect(WallTime(httpDate: text) == nil)
    #expect(WallTime(extended: text) == nil)
  }

  @Test("the ends of time do not trap")
  func ends() {
    #expect(WallTime(seconds: .max).adding(seconds: 1).basicText == "99991231T235959Z")
    #expect(WallTime(seconds: .min).extendedText == "0000-01-01T00:00:00Z")
  }
}

@Suite("S3's XML")
struct XMLTests {
  @Test("is read: names without prefixes, text with its references, what surrounds it")
  func reading() throws {
    let text = """
      \u{FEFF}<?xml version="1.0" encoding="UTF-8"?>
      <!-- a comment --><s3:Error xmlns:s3="http://example.org/?a=1&amp;b" a='"'>
        <Code>A&amp;B&lt;&gt;&quot;&apos;&#65;&#x42;</Code><Empty/><Empty2 />
        <Text><![CDATA[<raw>&amp;]]> and<!-- --> more<?pi?></Text>
      </s3:Error>

      """
    let root = try #require(XMLElement.document(Array(text.utf8)))
    #expect(root.name == "Error")
    #expect(root["Code"]?.text == "A&B<>\"'AB")
    #expect(root["Empty"]?.text == "")
    #expect(root["Text"]?.text == "<raw>&amp; and more")
    #expect(root.children.map(\.name) == ["Code", "Empty", "Empty2", "Text"])
  }

  @Test(
    "what is not well-formed is refused, and so are document types, with the entities one could make there",
    arguments: [
      "", " ", "text", "<", "<a", "<a>", "<a></b>", "<a/><b/>", "<a></a>x", "<a b></a>", "<a b=c></a>", "<a b='<'/>",
      "<a>&nope;</a>", "<a>&#x110000;</a>", "<a>&#xD800;</a>", "<a>&</a>", "<a>&amp</a>", "<a><!-- </a>",
      "<a><![CDATA[</a>",
      "</a>", "<>", "<a b='", "<?xml", "<!DOCTYPE a [<!ENTITY b \"bb\">]><a>&b;</a>",
      "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
      "{\"json\": true}", "<html><body><p>unclosed</body></html>",
    ])
  func refused(_ text: String) {
    #expect(XMLElement.document(Array(text.utf8)) == nil)
  }

  @Test("no depth, no bytes and no cut trap")
  func hostile() {
    #expect(XMLElement.document(Array(String(repeating: "<a>", count: 100_000).utf8)) == nil)
    #expect(XMLElement.document([0x3C, 0x61, 0x3E, 0xFF, 0x3C, 0x2F, 0x61, 0x3E]) == nil)
    let whole = Array("<?xml version='1.0'?><a b='c'>t&amp;<!--x--><![CDATA[y]]><d/></a>".utf8)
    for end in 0..<whole.count { #expect(XMLElement.document(Array(whole[..<end])) == nil) }
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var changed = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        changed[Int.random(in: 0..<changed.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      _ = XMLElement.document(changed)
    }
  }
}

@Suite("Parts of HTTP")
struct HTTPPartTests {
  @Test("a content range is read, or not")
  func contentRange() {
    #expect(ContentRange("bytes 5-9/10")?.size == 10)
    for text in [
      "", "bytes", "bytes 5-9/*", "bytes */10", "bytes 9-5/10", "bytes 5-10/10", "bytes -1-5/10", "lines 1-2/3",
    ] {
      #expect(ContentRange(text) == nil, "\(text)")
    }
  }

  @Test("a time to wait is a number of seconds or a date")
  func retryAfter() {
    func duration(_ text: String) -> Duration? {
      StoreAnswer(status: 503, headers: ["Retry-After": text], body: []).retryAfter(now: WallTime(seconds: 784_111_770))
    }
    #expect(duration("7") == .seconds(7))
    #expect(duration("Sun, 06 Nov 1994 08:49:37 GMT") == .seconds(7))
    #expect(duration("Sun, 06 Nov 1994 08:49:00 GMT") == .zero)
    #expect(duration("9223372036854775807") == .seconds(1_000_000))
    #expect(duration("-1") == nil)
    #expect(duration("soon") == nil)
  }

  @Test("percent-encoding goes there and back, and garbage is refused")
  func percent() {
    #expect(PercentEncoding.encoded("a/ü &+", keepsSlash: true) == "a/%C3%BC%20%26%2B")
    #expect(PercentEncoding.decoded("a%2Fb%c3%bc") == "a/bü")
    for text in ["%", "%2", "%zz", "%FF"] { #expect(PercentEncoding.decoded(text) == nil) }
  }
}
