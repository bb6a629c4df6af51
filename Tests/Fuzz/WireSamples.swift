/// Bytes as clients send them: requests one after the other on one connection.
struct WireSamples {
  let requests: [[UInt8]]
  let mutation = Mutation(
    FeedWorld.queryWords + [
      "GET ", "HEAD ", "POST ", "CONNECT ", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", " HTTP/1.1\r\n", " HTTP/1.0\r\n",
      " HTTP/9.9\r\n",
      "\r\n", "\n", "\r", "\r\n\r\n", "Host: h\r\n", "Host:\r\n", "Content-Length: 5\r\n", "Content-Length: -1\r\n",
      "Content-Length: 18446744073709551616\r\n", "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
      "5\r\nhello\r\n", "0\r\n\r\n", "ffffffffffffffff\r\n", "5;a=b\r\n", "Connection: close\r\n",
      "Connection: keep-alive\r\n",
      "Connection: upgrade\r\nUpgrade: h2c\r\n", "Expect: 100-continue\r\n", "X-Request-Id: a\r\n",
      "X-Project-ID: p\r\n",
      "Accept: text/html\r\n", "Prefer: handling=strict\r\n", " folded\r\n", ":\r\n", "a: b\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ], raw: Samples.brokenText)

  init(targets: [[UInt8]]) {
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    var requests = targets.map { "GET \(text($0)) HTTP/1.1\r\nHost: h\r\n\r\n" }
    requests += targets.prefix(4).map { "HEAD \(text($0)) HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n" }
    for content in PostTarget.samples.prefix(12).map(text) {
      let head = "POST /v1/p/queues/q/actions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
      requests.append("\(head)Content-Length: \(content.utf8.count)\r\n\r\n\(content)")
      let size = String(content.utf8.count, radix: 16)
      requests.append("\(head)Transfer-Encoding: chunked\r\n\r\n\(size)\r\n\(content)\r\n0\r\n\r\n")
    }
    requests += [
      "GET /v1/queues/q/actions HTTP/1.1\r\nHost: h\r\nX-Project-ID: p\r\nX-Request-Id: mine\r\n\r\n",
      "GET /v1/p/queues/q/actions HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "GET /v1/p/queues/q/actions HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "POST /v1/p/queues/q/actions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
        + "Content-Length: 22\r\n\r\n{\"body\":{\"event\":\"A\"}}",
    ]
    self.requests = requests.map { Array($0.utf8) }
  }

  /// One to five requests, some of them damaged.
  func input(_ random: inout SeededRandom) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0...random.below(random.oneIn(3) ? 5 : 1) { bytes += random.pick(requests) }
    if random.oneIn(6) { return bytes }
    return mutation.apply(to: bytes, with: random.pick(requests), &random)
  }

  /// Where the input is cut into reads.
  func cuts(of count: Int, _ random: inout SeededRandom) -> [Int] {
    switch random.below(4) {
    case 0: return count <= 400 ? Array(0..<count).dropFirst().map { $0 } : [count / 2]
    case 1: return [random.below(count + 1)]
    default: return (0..<random.below(8)).map { _ in random.below(count + 1) }.sorted()
    }
  }
}
