/// Whether a request's content is JSON in UTF-8, unpacked.
enum ContentType {
  /// - Parameters:
  ///   - type: `Content-Type`; a missing one is refused, since its sender has not said what the bytes are.
  ///   - encoding: `Content-Encoding`.
  static func isJSON(_ type: String?, encoding: String?) -> Bool {
    media(type, encoding: encoding) == "application/json"
  }

  /// The media type in lower case, without its parameters; nil for content that is packed or not in UTF-8.
  static func media(_ type: String?, encoding: String?) -> String? {
    guard let type else { return nil }
    if let encoding, Accept.trim(encoding[...]).lowercased() != "identity" { return nil }
    let parts = type.split(separator: ";", omittingEmptySubsequences: false).map { Accept.trim($0).lowercased() }
    let isUTF8 = parts.dropFirst().allSatisfy { parameter in
      guard parameter.hasPrefix("charset=") else { return true }
      let charset = parameter.dropFirst(8).filter { $0 != "\"" }
      return charset == "utf-8" || charset == "utf8"
    }
    return isUTF8 ? parts.first : nil
  }
}
