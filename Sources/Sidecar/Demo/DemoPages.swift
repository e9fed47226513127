// Owns the pages of the sample application, as an intranet of 2012 has them: forms and tables.
// Called by the sample application, for whoever has signed in.
// Never holds a word of presence: the dots come from elsewhere.

/// A page for browsers, as text.
enum DemoPages {
    static func signIn(refused: Bool) -> String {
        let refusal = refused ? "<p class=\"refusal\">No such user, or another password.</p>" : ""
        return page(
            "Sign in", for: nil,
            """
            <form method="post" action="/signin/">
            \(refusal)
            <p><label for="username">User name</label>
            <input id="username" name="username" autocomplete="username" autofocus></p>
            <p><label for="password">Password</label>
            <input id="password" name="password" type="password" autocomplete="current-password"></p>
            <p><button>Sign in</button></p>
            </form>
            """)
    }

    static func team(for user: DemoUser) -> String {
        let rows = DemoUser.all.map { person in
            """
            <tr><td><a href="/people/\(person.id)/">\(person.name)</a></td><td>\(person.role)</td>\
            <td>\(person.ward)</td><td class="number">\(person.phone)</td></tr>
            """
        }
        return page(
            "Team", for: user,
            table(["Name", "Function", "Ward", "Phone"], rows))
    }

    static func patients(for user: DemoUser) -> String {
        let rows = DemoPatient.all.map { patient in
            """
            <tr><td>\(patient.bed)</td><td>\(patient.name)</td><td>\(patient.born)</td>\
            <td><span class="staff" data-staff="\(patient.doctor.id)">\(patient.doctor.name)</span></td>\
            <td><span class="staff" data-staff="\(patient.nurse.id)">\(patient.nurse.name)</span></td></tr>
            """
        }
        return page(
            "Patients", for: user,
            table(["Bed", "Patient", "Born", "Doctor in charge", "Nurse"], rows))
    }

    static func person(_ person: DemoUser, for user: DemoUser) -> String {
        let patients = DemoPatient.all.filter {
            $0.doctor.id == person.id || $0.nurse.id == person.id
        }
        let rows = patients.map {
            "<tr><td>\($0.bed)</td><td>\($0.name)</td><td>\($0.born)</td></tr>"
        }
        return page(
            person.name, for: user,
            """
            <dl>
            <dt>Function</dt><dd>\(person.role)</dd>
            <dt>Ward</dt><dd>\(person.ward)</dd>
            <dt>Phone</dt><dd>\(person.phone)</dd>
            </dl>
            \(rows.isEmpty ? "" : table(["Bed", "Patient", "Born"], rows))
            """)
    }

    static func missing(for user: DemoUser?) -> String {
        page("Not found", for: user, "<p>There is no such page.</p>")
    }

    private static func table(_ heads: [String], _ rows: [String]) -> String {
        let head = heads.map { "<th scope=\"col\">\($0)</th>" }.joined()
        return """
            <table>
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody>
            </table>
            """
    }

    private static func page(_ title: String, for user: DemoUser?, _ body: String) -> String {
        let corner = user.map { user in
            """
            <form method="post" action="/signout/">\(user.name) <button>Sign out</button></form>
            """
        }
        let tabs = """
            <ul class="tabs">
            \(tab("Team", "/team/", title)) \(tab("Patients", "/patients/", title))
            </ul>
            """
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>\(title) – St. Elmo Intranet</title>
            <link rel="stylesheet" href="/style.css">
            <link rel="icon" href="data:,">
            </head>
            <body>
            <div class="bar">\(corner ?? "")<b>St. Elmo Hospital</b> <span>Intranet</span></div>
            \(user == nil ? "" : tabs)
            <div class="page">
            <h1>\(title)</h1>
            \(body)
            </div>
            <p class="foot">Intranet 4.2 &middot; IT help desk: 4000 &middot; Demonstration data</p>
            </body>
            </html>

            """
    }

    private static func tab(_ name: String, _ path: String, _ title: String) -> String {
        let mark = name == title ? " class=\"here\"" : ""
        return "<li\(mark)><a href=\"\(path)\">\(name)</a></li>"
    }

    static let style = """
        body { margin: 0; background: #e9eef0; color: #222; font: 13px Verdana, "DejaVu Sans", sans-serif }
        .bar { padding: 12px 20px; background: #14525d; color: #fff; font-size: 19px }
        .bar span { font-size: 13px }
        .tabs { margin: 0; padding: 6px 20px 0; overflow: hidden; background: #14525d; list-style: none }
        .tabs li { float: left; margin-right: 4px; border-radius: 4px 4px 0 0; background: #c9dbe0 }
        .tabs .here { background: #fff; font-weight: bold }
        .tabs a { display: block; padding: 6px 16px; color: #14404a; text-decoration: none }
        .bar form { float: right; font-size: 13px; line-height: 24px }
        .bar button { margin-left: 8px }
        .page { padding: 8px 20px 20px; border-bottom: 1px solid #b9c6ca; background: #fff }
        h1 { margin: 8px 0 14px; color: #14525d; font-size: 19px; font-weight: normal }
        table { width: 100%; max-width: 900px; border-collapse: collapse; border: 1px solid #b9c6ca }
        th { background: #d5e3e7; color: #14404a; font-weight: bold; text-align: left }
        th, td { padding: 5px 10px; border-bottom: 1px solid #d8e0e3 }
        tbody tr:nth-child(even) { background: #f3f7f8 }
        .number { font-variant-numeric: tabular-nums }
        a { color: #0b5a8a }
        label { display: inline-block; width: 110px }
        dt { float: left; clear: left; width: 110px; color: #555 }
        dd { margin: 0 0 6px 110px }
        .refusal { color: #a40000 }
        @media (max-width: 600px) {
          .bar form { float: none }
          th, td { padding: 5px 4px }
        }
        .foot { margin: 10px 20px; color: #4f5f64; font-size: 11px }

        """
}
