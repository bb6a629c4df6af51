/// `HOST:PORT`, where the host is a name, an IPv4 address, an IPv6 address in brackets, or `*` for every interface.
struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
  /// Without brackets.
  let host: String
  /// 0 lets the system choose.
  let port: Int

  init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// - Parameter example: an address of the kind that is wanted, for the error
  init(parsing text: String, example: String = "127.0.0.1:8080") throws(SettingFault) {
    guard let colon = text.lastIndex(of: ":") else {
      throw SettingFault("'\(text)' is no address: write HOST:PORT, for example \(example)")
    }
    var host = text[..<colon]
    let digits = text[text.index(after: colon)...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let port = Int(digits), port <= 65_535
    else { throw SettingFault("'\(text)' has no port of 0 to 65535 after its last colon") }
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw SettingFault("'\(text)' is ambiguous: write an IPv6 address in brackets, for example [::1]:8080")
    }
    guard !host.isEmpty, !host.contains(where: { $0 == " " || $0 == "/" || $0 == "[" || $0 == "]" }) else {
      throw SettingFault("'\(text)' names no host before its port")
    }
    self.init(host: String(host), port: port)
  }

  /// The host to bind: `*` is every IPv4 interface.
  var bindHost: String { host == "*" ? "0.0.0.0" : host }

  /// The host a client on this machine can use.
  var localHost: String { ["*", "0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host }

  var description: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}
