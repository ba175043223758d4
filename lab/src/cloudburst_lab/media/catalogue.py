# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the reference library: names only, as people really name their files.

Accents, apostrophes, ``%``, ``_``, ``&``, ``#`` and brackets are there on purpose: each has
broken somebody's path handling (L25).
"""

from __future__ import annotations

#: Decade folders make the films' own folders nested: a renamed one is missed by a plain scan.
MOVIES: dict[str, tuple[str, ...]] = {
    "1920s": ("Nosferatu (1922)", "Metropolis (1927)", "The General (1926)"),
    "1930s": ("M (1931)", "Duck Soup (1933)", "Modern Times (1936)"),
    "1940s": ("His Girl Friday (1940)", "Detour (1945)", "D.O.A. (1949)"),
    "1950s": ("Rear Window (1954)", "12 Angry Men (1957)", "Some Like It Hot (1959)"),
    "1960s": (
        "Charade (1963)",
        "Dr. Strangelove (1964)",
        "2001 A Space Odyssey (1968)",
    ),
    "1970s": ("Alien (1979)", "Chinatown (1974)", "The Sting (1973)", "Jaws (1975)"),
    "1980s": (
        "Brazil (1985)",
        "Blade Runner (1982)",
        "Ferris Bueller's Day Off (1986)",
    ),
    "1990s": (
        "Fargo (1996)",
        "Heat (1995)",
        "L.A. Confidential (1997)",
        "Se7en (1995)",
    ),
    "2000s": ("WALL·E (2008)", "Memento (2000)", "Children of Men (2006)"),
    "2010s": ("Arrival (2016)", "Paterson (2016)", "Mad Max Fury Road (2015)"),
}

AUTEUR: dict[str, tuple[str, ...]] = {
    "Agnès Varda": (
        "Cléo de 5 à 7 (1962)",
        "Sans toit ni loi (1985)",
        "Le Bonheur (1965)",
    ),
    "Éric Rohmer": (
        "Ma nuit chez Maud (1969)",
        "Le Rayon vert (1986)",
        "L'Amour l'après-midi (1972)",
        "Conte d'été (1996)",
    ),
    "François Truffaut": ("Jules et Jim (1962)", "L'Argent de poche (1976)"),
    "Jean-Luc Godard": ("À bout de souffle (1960)", "Pierrot le fou (1965)"),
    "Krzysztof Kieślowski": (
        "Trois couleurs Bleu (1993)",
        "La Double Vie de Véronique (1991)",
    ),
    "Chantal Akerman": ("News from Home (1976)", "D'Est (1993)"),
    "Robert Bresson": (
        "L'Argent (1983)",
        "Au hasard Balthazar (1966)",
        "Un condamné (1956)",
    ),
    "Jacques Tati": ("Mon oncle (1958)", "Playtime (1967)", "Jour de fête (1949)"),
    "Céline Sciamma": ("Naissance des pieuvres (2007)", "Petite maman (2021)"),
}

#: Show -> episodes per season; season 0 is the specials.
SHOWS: dict[str, dict[int, int]] = {
    "Les Revenants (2012)": {1: 6, 2: 5},
    "Northern Exposure (1990)": {1: 6, 2: 6},
    "The Prisoner (1967)": {0: 1, 1: 8},
    "Engrenages (2005)": {1: 5, 2: 5},
    "Grey's Anatomy (2005)": {1: 5},
}
ANIME: dict[str, dict[int, int]] = {
    "Cowboy Bebop (1998)": {0: 1, 1: 10},
    "Mushishi (2005)": {1: 8, 2: 5},
    "攻殻機動隊 Stand Alone Complex (2002)": {1: 6, 2: 5},
    "Haibane Renmei (2002)": {1: 6},
}
EPISODES = (
    "Pilot", "Camille", "Nuit blanche", "Aurora", "The Chimes", "L'Absent", "Slow Dance",
    "Ballad", "Sans issue", "Harvest", "La Clé", "Checkmate", "Hammer", "Été indien",
    "Soul Food", "Le Retour", "Once upon a Time", "Fall Out",
)  # fmt: skip

#: Artist -> album -> tracks per disc.
MUSIC: dict[str, dict[str, tuple[int, ...]]] = {
    "Portishead": {"Dummy (1994)": (10,), "Third (2008)": (6,)},
    "Beyonce": {"Lemonade (2016)": (6,)},
    "Björk": {"Homogenic (1997)": (6,), "Vespertine (2001)": (7,)},
    "Sigur Rós": {"Ágætis byrjun (1999)": (6,), "( ) (2002)": (5,)},
    "The Beatles": {"The Beatles (1968)": (8, 7), "Revolver (1966)": (7,)},
    "Nina Simone": {"Wild Is the Wind (1966)": (6,), "100% Simone (1970)": (5,)},
    "Guns N' Roses": {"Use Your Illusion I_II (1991)": (6, 6)},
    "Mötley & Friends": {"Live #1 [Remastered] (1999)": (6,)},
}
CLASSICAL: dict[str, dict[str, tuple[int, ...]]] = {
    "Johann Sebastian Bach": {
        "Das wohltemperierte Klavier (Gould)": (8, 8),
        "Goldberg-Variationen (1981)": (9,),
    },
    "Antonín Dvořák": {"Symphony No. 9 (Kubelík)": (4,)},
    "Gabriel Fauré": {"Requiem, Op. 48": (7,)},
    "Frédéric Chopin": {"Nocturnes (Arrau)": (6, 6)},
    "Claude Debussy": {"Préludes - Livre I": (9,), "L'isle joyeuse": (3,)},
    "György Ligeti": {"Études pour piano": (8,)},
}
WORDS = (
    "Overture", "Glass", "Roads", "Machine", "Undertow", "Paper", "Silence", "Été", "Wander",
    "Numb", "Half Day", "Hunter", "Jóga", "Five Years", "Cocoon", "Aurora", "Svefn", "Starálfur",
    "Blackbird", "Julia", "Taxman", "Sinnerman", "Lilac", "Four Women", "Don't Cry", "November",
    "Prélude", "Fugue", "Aria", "Largo", "Kyrie", "Sanctus", "Libera me", "Canope", "Vertige",
    "Arc-en-ciel", "Désordre", "Fanfares", "Automne à Varsovie", "Allegro", "Adagio", "Presto",
)  # fmt: skip

#: Year folder -> dated folder -> number of photos.
PHOTOS: dict[str, dict[str, int]] = {
    "2016": {"2016-05-08 Île de Ré": 7, "2016-12-24 Noël": 6},
    "2017": {"2017-08-02 L'Aubrac à pied": 12},
    "2018": {"2018-03-11 Anniversaire de Zoé": 7, "2018-10-20 Forêt": 6},
    "2019": {"2019-07-14 Bretagne": 9, "2019-11-02 Chat & chien": 5},
    "2020": {"2020-09-05 Déménagement": 12},
}
HOME_VIDEOS: dict[str, tuple[str, ...]] = {
    "2015": ("Premiers pas", "Jardin - été 2015", "L'école"),
    "2016/Noël chez mamie": ("Sapin", "Les cadeaux d'Émile", "Réveillon"),
    "2017": ("Piscine 50% vide", "Vélo_sans_roulettes", "Spectacle d'hiver"),
    "2018/Mariage de Chloé": ("Mairie", "Discours", "Bal", "Feu d'artifice"),
    "2019": ("Cerf-volant", "Cabane #2", "Marée basse"),
}
