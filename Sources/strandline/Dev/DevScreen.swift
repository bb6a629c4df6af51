import Kafka

/// What `dev` shows once it is ready: addresses, and three lines to paste.
struct DevScreen: Sendable {
  static let project = "demo"
  static let queue = "orders"

  let configuration: NodeConfiguration
  /// How the command was called; the line to paste calls it the same way.
  let program: String
  let hasDemo: Bool
  let isTemporary: Bool

  func url(port: Int) -> String { "http://\(NetworkAddress(host: configuration.listen.localHost, port: port))" }

  func json(port: Int) -> JSONValue {
    .object([
      ("bootstrapServers", .string(configuration.kafka.bootstrapServers)), ("url", .string(url(port: port))),
      ("topic", .string(configuration.topic)), ("data", .string(configuration.directory)),
    ])
  }

  func text(port: Int, _ colour: Colour) -> String {
    let url = url(port: port)
    let data = configuration.directory + (isTemporary ? colour.dim("  (removed at the end)") : "")
    let demo =
      hasDemo ? colour.dim("  simulated workers on the queues \(DemoWorkers.queues.joined(separator: ", "))") : ""
    return """

      \(colour.bold("Strandline is up.")) \(demo)

        Feed     \(colour.cyan(url))
        Broker   \(colour.cyan(configuration.kafka.bootstrapServers))\(colour.dim("  topic \(configuration.topic), embedded Kafka"))
        Data     \(data)

      \(colour.dim("# publish an action with any Kafka client"))
      \(kcatLine)

      \(colour.dim("# read a page"))
      \(curlLine(url))

      \(colour.dim("# follow a queue"))
      \(followLine(url))

      Ctrl-C ends it.

      """
  }

  var kcatLine: String {
    let record = #"\#(Self.project)/\#(Self.queue)|{"event":"MessageDeleted","details":{"message_id":"42"}}"#
    return "echo '\(record)' | kcat -P -b \(configuration.kafka.bootstrapServers) -t \(configuration.topic) "
      + "-K '|' -X partitioner=murmur2_random"
  }

  func curlLine(_ url: String) -> String { "curl -s '\(url)/v1/\(Self.project)/queues/\(Self.queue)/actions?limit=5'" }

  func followLine(_ url: String) -> String {
    "\(Self.shellWord(program)) follow --url \(url) --project \(Self.project) --queue \(Self.queue)"
  }

  /// In single quotes where a shell would make something else of it.
  static func shellWord(_ text: String) -> String {
    let isPlain =
      !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
          UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ":"):
          true
        default: false
        }
      }
    return isPlain ? text : "'" + text.replacing("'", with: #"'\''"#) + "'"
  }
}
