import Foundation

/// Whether an address can be listened on, found out before anything is started, so that the answer can name the flag.
enum PortCheck {
  /// How many ports after the wished one are tried.
  static let portsTriedMax = 50

  /// - Throws: `CommandFailure` that names the flag.
  static func require(_ address: NetworkAddress, flag: String) throws(CommandFailure) {
    guard let reason = obstacle(address) else { return }
    throw CommandFailure(
      .unavailable,
      "cannot listen on \(address): \(reason). Choose another address with \(flag) HOST:PORT (port 0 takes a free one)."
    )
  }

  /// The address, or the nearest higher port of its host that is free.
  static func nextFree(from address: NetworkAddress) -> NetworkAddress {
    for port in address.port...min(address.port + portsTriedMax, 65_535) {
      let candidate = NetworkAddress(host: address.host, port: port)
      if obstacle(candidate) == nil { return candidate }
    }
    return NetworkAddress(host: address.host, port: 0)
  }

  /// Why the address cannot be bound; nil when it can, as far as one can know without keeping it.
  static func obstacle(_ address: NetworkAddress) -> String? {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(address.bindHost, String(address.port), &hints, &found)
    guard code == 0, let found else { return "the host is not known (\(String(cString: gai_strerror(code))))" }
    defer { freeaddrinfo(found) }
    let descriptor = socket(found.pointee.ai_family, found.pointee.ai_socktype, 0)
    guard descriptor >= 0 else { return String(cString: strerror(errno)) }
    defer { close(descriptor) }
    // As the server does it: an address that only waits for old connections to end can be used.
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    guard bind(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else {
      return errno == EADDRINUSE ? "another process listens there" : String(cString: strerror(errno))
    }
    // Several sockets may bind with SO_REUSEADDR as long as none listens.
    return listen(descriptor, 1) == 0
      ? nil : (errno == EADDRINUSE ? "another process listens there" : String(cString: strerror(errno)))
  }
}
