/// What came back on a connection, taken apart with as little as can be known without the requests.
struct WireAnswers {
  struct Answer: Equatable {
    var status: Int
    /// Of a page or an item only: what else is said differs with every request's id.
    var body: [UInt8]
  }

  private(set) var answers: [Answer] = []

  /// - Throws: ``Finding`` for anything that is no sequence of answers, and for a 5xx but 503.
  init(_ output: [UInt8], input: [UInt8]) throws {
    var rest = output[...]
    let mark = Array("\r\n\r\n".utf8)
    while !rest.isEmpty {
      guard rest.starts(with: "HTTP/1.1 ".utf8), let end = rest.firstRange(of: mark) else {
        throw Finding(
          "no answer begins at byte \(rest.startIndex) of: \(String(decoding: output, as: UTF8.self))", input)
      }
      let lines = String(decoding: rest[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
      guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
        throw Finding("an answer without a status", input)
      }
      rest = rest[end.upperBound...]
      if status == 100 { continue }
      guard [200, 201, 204, 400, 404, 405, 406, 408, 410, 413, 414, 415, 431, 503].contains(status) else {
        throw Finding("answered \(status)", input)
      }
      var length = 0
      for line in lines where line.lowercased().hasPrefix("content-length: ") {
        length = Int(line.dropFirst("content-length: ".count)) ?? 0
      }
      var body: [UInt8] = []
      // An answer to HEAD tells the length of a body that does not come.
      if length > 0, !rest.isEmpty, !rest.starts(with: "HTTP/1.1 ".utf8) {
        guard rest.count >= length else { throw Finding("a body is \(rest.count) of \(length) bytes", input) }
        body = Array(rest.prefix(length))
        rest = rest.dropFirst(length)
      }
      let isPage = status == 200 && body.first == 0x7B && !lines.contains { $0.contains("/metrics") }
      answers.append(Answer(status: status, body: isPage ? body : []))
    }
  }
}
