import AuditActions

/// What came back for one request.
enum FeedReading: Sendable, Equatable {
  case page(FeedPage)
  /// 204: nothing up to now. `next` where the server names a better place to ask again; `missing`: how many numbered
  /// actions of the queue have not come.
  case empty(next: String?, missing: Int64 = 0)
  /// The server is there and cannot answer now.
  case unavailable(status: Int, retryAfterSeconds: Int?, detail: String)
  /// The request is wrong and stays wrong.
  case refused(status: Int, detail: String)
  /// Asking there again is of no use.
  case wrongAddress(String)
  /// No answer at all.
  case lost(String)

  /// - Parameters:
  ///   - retryAfter: the field `Retry-After`
  ///   - link: the field `Link`
  ///   - missing: the field `Strandline-Missing`
  init(status: Int, retryAfter: String?, link: String?, missing: String? = nil, body: [UInt8]) {
    switch status {
    case 200:
      do throws(FeedFault) { self = .page(try FeedPage(parsing: body)) } catch {
        self = .refused(status: status, detail: error.description)
      }
    case 204: self = .empty(next: link.flatMap(Self.next), missing: missing.flatMap { Int64($0) } ?? 0)
    case 408, 425, 429, 500...599:
      self = .unavailable(status: status, retryAfterSeconds: retryAfter.flatMap { Int($0) }, detail: Self.detail(body))
    default: self = .refused(status: status, detail: Self.detail(body))
    }
  }

  /// The path of `<path>; rel="next"` (RFC 8288), of the first such link.
  static func next(inLink field: String) -> String? {
    for link in field.split(separator: ",") {
      guard let match = link.firstMatch(of: /<(\/[^>]*)>\s*;\s*rel="?next"?/) else { continue }
      let path = String(match.1)
      return path.hasPrefix("//") ? nil : path
    }
    return nil
  }

  /// `detail` of a problem (RFC 9457), else its `title`; nothing of a body that is none.
  static func detail(_ body: [UInt8]) -> String {
    body.withUnsafeBytes { buffer in
      let scanner = JSONScanner(buffer)
      guard let root = try? scanner.root(), let members = try? scanner.members(of: root, countMax: 32) else {
        return ""
      }
      for name in ["detail", "title"] {
        if let member = members.first(where: { $0.name == name }), let text = scanner.string(member.value) {
          return Terminal.harmless(text)
        }
      }
      return ""
    }
  }
}
