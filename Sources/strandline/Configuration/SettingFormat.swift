import AuditActions

/// How the text of a setting is read, and how its type and range are told to people.
struct SettingFormat<Value: Sendable>: Sendable {
  let valueName: String
  let range: String?
  var isSwitch = false
  var completion = SettingCompletion.none
  let parse: @Sendable (String) throws(SettingFault) -> Value
}

extension SettingFormat where Value == String {
  /// Any text that is not empty.
  static func text(_ valueName: String, completion: SettingCompletion = .none) -> SettingFormat {
    SettingFormat(valueName: valueName, range: nil, completion: completion) { (text) throws(SettingFault) in
      guard !text.isEmpty else { throw SettingFault("must not be empty") }
      return text
    }
  }

  /// A Kafka topic's name: `[a-zA-Z0-9._-]`, 1 to 249 characters, not `.` or `..` (Kafka's own rule).
  static var topicName: SettingFormat {
    SettingFormat(valueName: "TOPIC", range: "1 to 249 of [a-zA-Z0-9._-]") { (text) throws(SettingFault) in
      let isName = text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
      guard isName, (1...249).contains(text.utf8.count), text != ".", text != ".." else {
        throw SettingFault("'\(text)' is no topic name: use 1 to 249 of the characters a-z A-Z 0-9 . _ -")
      }
      return text
    }
  }

  /// One or more `HOST:PORT`, with commas between.
  static var brokers: SettingFormat {
    SettingFormat(valueName: "HOST:PORT", range: "HOST:PORT, or several with commas") { (text) throws(SettingFault) in
      let servers = text.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingSpaces() }
      for server in servers {
        // A listener's name may stand before the address, as Kafka writes it: PLAINTEXT://host:9092.
        let address = server.firstRange(of: "://").map { String(server[$0.upperBound...]) } ?? server
        let parsed = try NetworkAddress(parsing: address, example: "127.0.0.1:9092")
        guard parsed.port > 0 else { throw SettingFault("'\(server)' has port 0; a broker's port is 1 to 65535") }
      }
      return servers.joined(separator: ",")
    }
  }

  /// The address of a feed.
  static var url: SettingFormat {
    SettingFormat(valueName: "URL", range: "http:// or https://") { (text) throws(SettingFault) in
      let rest =
        if text.hasPrefix("http://") { text.dropFirst(7) } else if text.hasPrefix("https://") { text.dropFirst(8) } else
        {
          throw SettingFault("'\(text)' is no address of a feed: begin it with http:// or https://")
        }
      guard let first = rest.utf8.first, first != UInt8(ascii: "/"), !text.contains(" ") else {
        throw SettingFault("'\(text)' names no host")
      }
      return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
  }
}

extension SettingFormat where Value == Int {
  static func integer(_ valueName: String, _ accepted: ClosedRange<Int>) -> SettingFormat {
    SettingFormat(valueName: valueName, range: Self.describe(accepted)) { (text) throws(SettingFault) in
      guard let value = Int(text) else {
        throw SettingFault("'\(text)' is no whole number; use \(Self.describe(accepted))")
      }
      guard accepted.contains(value) else {
        throw SettingFault("\(value) is out of range; use \(Self.describe(accepted))")
      }
      return value
    }
  }

  private static func describe(_ range: ClosedRange<Int>) -> String {
    range.upperBound == Int.max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }

  /// A count of bytes, plain or with KiB, MiB, GiB, TiB.
  static func bytes(atLeast least: Int, zeroMeans: String) -> SettingFormat {
    let range = "0 (\(zeroMeans)), or \(ByteCount.describe(least)) and more"
    return SettingFormat(valueName: "BYTES", range: range) { (text) throws(SettingFault) in
      guard let value = ByteCount.parse(text) else {
        throw SettingFault("'\(text)' is no size; use a number of bytes, or one with KiB, MiB, GiB or TiB")
      }
      guard value == 0 || value >= least else { throw SettingFault("\(text) is out of range; use \(range)") }
      return value
    }
  }
}

extension SettingFormat where Value == Bool {
  static var onOff: SettingFormat {
    SettingFormat(valueName: "true|false", range: "true or false", isSwitch: true) { (text) throws(SettingFault) in
      switch text.lowercased() {
      case "true", "yes", "on", "1": return true
      case "false", "no", "off", "0": return false
      default: throw SettingFault("'\(text)' is neither true nor false")
      }
    }
  }
}

extension SettingFormat where Value == QueueAddress {
  /// A queue of a project.
  static var queue: SettingFormat {
    SettingFormat(valueName: "PROJECT/QUEUE", range: "PROJECT/QUEUE") { (text) throws(SettingFault) in
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw SettingFault("'\(text)' is not PROJECT/QUEUE") }
      do throws(AuditActionError) {
        return try QueueAddress(project: String(parts[0]), queue: String(parts[1]))
      } catch { throw SettingFault(error.detail) }
    }
  }
}

extension SettingFormat where Value == NetworkAddress {
  static var address: SettingFormat {
    SettingFormat(valueName: "HOST:PORT", range: "a host, [IPv6] or * and a port of 0 to 65535") {
      (text) throws(SettingFault) in try NetworkAddress(parsing: text)
    }
  }
}

extension SettingFormat
where Value: CaseIterable & RawRepresentable, Value.RawValue == String, Value.AllCases: Sendable {
  static var choice: SettingFormat {
    let names = Value.allCases.map(\.rawValue)
    return SettingFormat(
      valueName: names.joined(separator: "|"), range: names.joined(separator: ", "), completion: .list(names)
    ) { (text) throws(SettingFault) in
      guard let value = Value(rawValue: text.lowercased()) else {
        throw SettingFault("'\(text)' is not one of \(names.joined(separator: ", "))")
      }
      return value
    }
  }
}

extension StringProtocol {
  /// Without the spaces and tabs around it.
  func trimmingSpaces() -> String {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
      return ""
    }
    return String(self[first...last])
  }
}
