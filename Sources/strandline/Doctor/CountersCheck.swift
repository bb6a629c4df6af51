import AuditActions

/// Asks the node that runs at an address whether its counts add up: every record it has read must be live, expired or
/// rejected. The counts are made apart from each other, so a lost record would show.
struct CountersCheck {
  let address: NetworkAddress

  func finding() async -> Finding {
    let host = ["*", "0.0.0.0", "::"].contains(address.host) ? "127.0.0.1" : address.host
    let url = "http://\(host.contains(":") ? "[\(host)]" : host):\(address.port)"
    switch await FeedClient(url: url).text("/counters") {
    case .success(let body): return Self.judge(body, url: url)
    case .failure(let fault): return .ok("counters", "not checked, no node answers at \(url) (\(fault))")
    }
  }

  static func judge(_ body: [UInt8], url: String) -> Finding {
    guard let counts = parse(body), let received = counts["received"], let unbalanced = counts["unbalanced_queues"]
    else {
      return .warn(
        "counters", "what answers at \(url) does not tell its counters", mend: "look whether it is a Strandline node")
    }
    let parts = ["live", "expired_served", "expired_unread", "rejected"]
    let sum = parts.reduce(Int64(0)) { $0 &+ (counts[$1] ?? 0) }
    let equation =
      "\(received) received = "
      + parts.map { "\(counts[$0] ?? 0) \($0.replacing("_", with: " "))" }.joined(separator: " + ")
    guard unbalanced == 0, sum == received else {
      return .fail(
        "counters", "\(unbalanced) queues do not add up (\(equation))",
        mend:
          "keep the data directory for whoever looks into it, and start with an empty one: it is rebuilt from the topic"
      )
    }
    let holes = counts["holes"] ?? 0
    guard holes == 0 else {
      return .warn(
        "counters", "\(equation); the topic had lost records before they were read, \(holes) times",
        mend: "raise the topic's retention above the longest outage; readers are told of these gaps")
    }
    return .ok("counters", equation)
  }

  private static func parse(_ body: [UInt8]) -> [String: Int64]? {
    body.withUnsafeBytes { buffer in
      let scanner = JSONScanner(buffer)
      guard let root = try? scanner.root(), let members = try? scanner.members(of: root, countMax: 64) else {
        return nil
      }
      var counts: [String: Int64] = [:]
      for member in members { counts[member.name] = scanner.integer(member.value, in: 0...Int64.max) }
      return counts
    }
  }
}
