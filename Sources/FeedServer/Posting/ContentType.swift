/// Whether a request's content is JSON in UTF-8, unpacked.
enum ContentType {
  /// - Parameters:
  ///   - type: `Content-Type`; a missing one is refused, since its sender has not said what the bytes are.
  ///   - encoding: `Content-Encoding`.
  static func isJSON(_ type: String?, encoding: String?) -> Bool {
    guard let type else { return false }
    if let encoding, Accept.trim(encoding[...]).lowercased() != "identity" { return false }
    let parts = type.split(separator: ";", omittingEmptySubsequences: false).map { Accept.trim($0).lowercased() }
    guard parts.first == "application/json" else { return false }
    return parts.dropFirst().allSatisfy { parameter in
      guard parameter.hasPrefix("charset=") else { return true }
      let charset = parameter.dropFirst(8).filter { $0 != "\"" }
      return charset == "utf-8" || charset == "utf8"
    }
  }
}
