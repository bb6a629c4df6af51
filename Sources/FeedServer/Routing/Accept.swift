/// Content negotiation (RFC 9110, section 12.5.1), as far as one media type needs it.
enum Accept {
  /// Whether a client that sends this `Accept` takes `type`/`subtype`. The most specific range decides.
  static func allows(_ header: String?, type: String = "application", subtype: String = "json") -> Bool {
    guard let header, !header.isEmpty, header != "*/*" else { return true }
    if header == "\(type)/\(subtype)" { return true }
    var best: (rank: Int, allowed: Bool)?
    for range in header.split(separator: ",") {
      let parts = range.split(separator: ";", omittingEmptySubsequences: false)
      guard let first = parts.first else { continue }
      let media = trim(first).lowercased()
      let rank: Int
      switch media {
      case "\(type)/\(subtype)": rank = 3
      case "\(type)/*": rank = 2
      case "*/*", "*": rank = 1
      default: continue
      }
      if rank > best?.rank ?? 0 { best = (rank, parts.dropFirst().allSatisfy { !isZeroWeight($0) }) }
    }
    return best?.allowed ?? false
  }

  /// `q=0`, `q=0.0`, …: not acceptable.
  private static func isZeroWeight(_ parameter: Substring) -> Bool {
    let text = trim(parameter).lowercased()
    guard text.hasPrefix("q=") else { return false }
    return text.dropFirst(2).allSatisfy { $0 == "0" || $0 == "." }
  }

  static func trim(_ text: Substring) -> Substring {
    var text = text
    while let first = text.utf8.first, first == 0x20 || first == 0x09 { text = text.dropFirst() }
    while let last = text.utf8.last, last == 0x20 || last == 0x09 { text = text.dropLast() }
    return text
  }
}
