/// The part of the description that tells of sources and their logs.
extension OpenAPIDocument {
  static let sources = """
      /v1/{project}/sources:
        parameters: [\(references("project"))]
        get:
          operationId: listSources
          summary: The logs of a project's sources, by source and log id
          parameters: [\(sourcesParameters)]
          responses: {\(sourcesResponses)}
        head:
          operationId: headSources
          summary: As GET, without the body
          parameters: [\(sourcesParameters)]
          responses: {\(sourcesResponses)}
      /v1/{project}/sources/{source}/logs/{log}:
        parameters: [\(sourceLogParameters)]
        get:
          operationId: readSourceLog
          summary: What came of a source's log, and what is missing
          responses: {\(sourceLogResponses)}
        head:
          operationId: headSourceLog
          summary: As GET, without the body
          responses: {\(sourceLogResponses)}

    """ + exchanges

  private static let sourcesParameters = references("sourceMarker", "limit")
  private static let sourceLogParameters = references("project", "source", "log")

  static func references(_ names: String...) -> String {
    names.map { "{$ref: \"#/components/parameters/\($0)\"}" }.joined(separator: ", ")
  }

  private static let sourcesResponses = responses([
    ("200", "SourceLogs"), ("204", "NothingThere"), ("400", "BadRequest"), ("405", "MethodNotAllowed"),
    ("406", "NotAcceptable"), ("503", "Unavailable"),
  ])
  private static let sourceLogResponses = responses([
    ("200", "SourceLog"), ("400", "BadRequest"), ("404", "NotFound"), ("405", "MethodNotAllowed"),
    ("406", "NotAcceptable"), ("503", "Unavailable"),
  ])

  static func responses(_ all: [(code: String, name: String)]) -> String {
    all.map { "\"\($0.code)\": {$ref: \"#/components/responses/\($0.name)\"}" }.joined(separator: ", ")
  }

  static let sourceParameters = #"""
        source:
          name: source
          in: path
          required: true
          description: A source, percent-encoded; from a log's `href`
          schema: {type: string, minLength: 1, maxLength: 256}
        log:
          name: log
          in: path
          required: true
          schema: {type: string, minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_.-]+$"}
        sourceMarker:
          name: marker
          in: query
          description: The last log seen, `log@source`
          schema: {type: string, minLength: 2, maxLength: 321, pattern: "@"}

    """#

  static let sourceSchemas = #"""
        SourceLogs:
          type: object
          required: [links, sources]
          properties:
            links: {type: array, items: {type: object}}
            sources:
              type: array
              items:
                type: object
                required: [source, log, href, highest, received_count, missing_count, lowest, first_seen, last_seen]
                properties:
                  source: {type: string}
                  log: {type: string}
                  href: {type: string}
                  highest: {type: integer, minimum: 0}
                  received_count: {type: integer, minimum: 0}
                  missing_count: {type: integer, minimum: 0}
                  lowest: {type: integer, minimum: 1}
                  first_seen: {type: string, format: date-time}
                  last_seen: {type: string, format: date-time}
        SourceLog:
          type: object
          required:
            [source, log, highest, received_count, missing_count, lowest, first_seen, last_seen, received, missing,
             duplicates]
          properties:
            source: {type: string}
            log: {type: string}
            highest: {type: integer, minimum: 0, description: The highest number received}
            received_count: {type: integer, minimum: 0}
            missing_count: {type: integer, minimum: 0}
            lowest: {type: integer, minimum: 1, description: "The purge point: what is below is not missed"}
            first_seen: {type: string, format: date-time}
            last_seen: {type: string, format: date-time}
            received: {type: string, description: "Ranges as Apache ACE writes them: 1-6,8,10-12"}
            missing:
              type: array
              description: Numbers below the highest that have not come
              items:
                type: object
                required: [range, since]
                properties:
                  range: {type: string}
                  since: {type: string, format: date-time, description: When a number above them came}
            duplicates: {type: integer, description: Records that came again and were dropped}
            forgotten_below:
              type: integer
              description: Below it it is not known which numbers came, for there were too many gaps; absent without
            forgotten_count: {type: integer, description: How many numbers below it were missing when they were given up}

    """#

  static let sourceContents = #"""
        SourceLogs:
          description: The logs
          headers:
            Content-Location: {$ref: "#/components/headers/Content-Location"}
            Link: {$ref: "#/components/headers/Link"}
            Cache-Control: {$ref: "#/components/headers/Cache-Control"}
            X-Request-Id: {$ref: "#/components/headers/X-Request-Id"}
          content: {application/json: {schema: {$ref: "#/components/schemas/SourceLogs"}}}
        SourceLog:
          description: The log
          headers:
            Content-Location: {$ref: "#/components/headers/Content-Location"}
            Cache-Control: {$ref: "#/components/headers/Cache-Control"}
            X-Request-Id: {$ref: "#/components/headers/X-Request-Id"}
          content: {application/json: {schema: {$ref: "#/components/schemas/SourceLog"}}}

    """#
}
