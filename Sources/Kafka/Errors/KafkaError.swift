import Crdkafka

/// What went wrong in Kafka or in its client library, and whether trying again can help.
///
/// `code` and `name` are librdkafka's: positive codes come from the broker (the numbers of the Kafka protocol),
/// negative ones, whose names begin with an underscore, from the client itself. No error holds a record's key,
/// value or headers, nor a secret of the configuration.
public struct KafkaError: Error, Sendable, Hashable {
  /// librdkafka's number of the error; see ``Code`` for those this package names.
  public let code: Int32
  /// The error's name, as kcat and librdkafka's documentation write it: `_TRANSPORT`, `UNKNOWN_TOPIC_OR_PART`, …
  public let name: String
  /// What happened, in one line.
  public let message: String
  /// Whether the same call may succeed later without anybody mending anything.
  public let isRetriable: Bool
  /// Whether the client that reported it is of no use any more and has to be closed and made anew.
  public let isFatal: Bool
  /// What to do about it, where that is known.
  public let hint: String?

  /// An error of librdkafka's own numbering; name, hint and whether it is retriable follow from the code.
  ///
  /// - Parameters:
  ///   - message: what happened; librdkafka's description of the code when nil or empty
  ///   - isRetriable: what is known about this very failure; the code's usual answer when nil
  public init(code: Int32, message: String? = nil, isRetriable: Bool? = nil, isFatal: Bool = false) {
    let native = rd_kafka_resp_err_t(rawValue: code)
    self.code = code
    name = rd_kafka_err2name(native).map { String(cString: $0) } ?? "ERR_\(code)"
    if let message, !message.isEmpty {
      self.message = message
    } else {
      self.message = rd_kafka_err2str(native).map { String(cString: $0) } ?? "error \(code)"
    }
    self.isFatal = isFatal || code == Code.fatal
    self.isRetriable = !self.isFatal && (isRetriable ?? Code.retriable.contains(code))
    hint = Code.hint(for: code)
  }
}

extension KafkaError: CustomStringConvertible {
  /// `_TRANSPORT: Broker transport failure (retriable); hint`.
  public var description: String {
    var text = "\(name): \(message)"
    if isFatal {
      text += " (fatal)"
    } else if isRetriable {
      text += " (retriable)"
    }
    if let hint { text += "; \(hint)" }
    return text
  }
}

extension KafkaError {
  init(_ code: rd_kafka_resp_err_t, message: String? = nil) {
    self.init(code: code.rawValue, message: message)
  }

  /// Reads and frees an error object of librdkafka. Forgetting to free it is the classic leak of its callers.
  init(consuming error: OpaquePointer) {
    defer { rd_kafka_error_destroy(error) }
    let isRetriable = rd_kafka_error_is_retriable(error) != 0
    self.init(
      code: rd_kafka_error_code(error).rawValue,
      message: rd_kafka_error_string(error).map { String(cString: $0) },
      isRetriable: isRetriable ? true : nil,
      isFatal: rd_kafka_error_is_fatal(error) != 0)
  }

  /// Calls on a client after `close()` end in this.
  static func closed(_ what: String) -> KafkaError {
    KafkaError(code: Code.closed, message: "the \(what) has been closed", isRetriable: false)
  }

  static func invalidArgument(_ message: String) -> KafkaError {
    KafkaError(code: Code.invalidArgument, message: message, isRetriable: false)
  }
}

/// Throws what a C call returned, unless that is "no error".
func check(_ code: rd_kafka_resp_err_t, _ message: @autoclosure () -> String? = nil) throws(KafkaError) {
  guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
  throw KafkaError(code, message: message())
}

/// Throws, and frees, the error object a C call returned, unless it returned none.
func check(consuming error: OpaquePointer?) throws(KafkaError) {
  if let error { throw KafkaError(consuming: error) }
}
